package receipt_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/contracts/receipt"
)

func key(t *testing.T, seed byte) ed25519.PrivateKey {
	t.Helper()
	sum := sha256.Sum256([]byte{seed})
	return ed25519.NewKeyFromSeed(sum[:])
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// chain returns n sealed receipts of one case.
func chain(k ed25519.PrivateKey, n int) []receipt.Receipt {
	out := make([]receipt.Receipt, 0, n)
	previous := receipt.Zero
	for i := 1; i <= n; i++ {
		r := receipt.Receipt{
			Case: "case-a", Seq: int64(i), Event: fmt.Sprintf("event-%d", i), Digest: fmt.Sprintf("%064x", i), Previous: previous,
			At: time.Date(2026, 11, 25, 9, 30, i, 123_456_000, time.UTC),
		}
		r.Seal("k1", k)
		previous = r.Hash
		out = append(out, r)
	}
	return out
}

// verify walks a chain as a verifier does and returns the first fault.
func verify(k ed25519.PublicKey, receipts []receipt.Receipt) error {
	previous := receipt.Zero
	for i := range receipts {
		if err := receipts[i].Verify(k, int64(i+1), previous); err != nil {
			return err
		}
		previous = receipts[i].Hash
	}
	return nil
}

func TestASealedChainVerifies(t *testing.T) {
	t.Parallel()
	k := key(t, 1)
	if err := verify(public(k), chain(k, 5)); err != nil {
		t.Fatal(err)
	}
}

func TestTheSameInstantInAnotherZoneVerifies(t *testing.T) {
	t.Parallel()
	k := key(t, 1)
	c := chain(k, 1)
	c[0].At = c[0].At.In(time.FixedZone("", 3600))
	if err := verify(public(k), c); err != nil {
		t.Fatal(err)
	}
}

func TestAnyChangedFieldIsFound(t *testing.T) {
	t.Parallel()
	k := key(t, 1)
	changes := map[string]func(*receipt.Receipt){
		"Case":      func(r *receipt.Receipt) { r.Case = "case-b" },
		"Seq":       func(r *receipt.Receipt) { r.Seq++ },
		"Event":     func(r *receipt.Receipt) { r.Event += "x" },
		"Digest":    func(r *receipt.Receipt) { r.Digest = strings.Repeat("f", 64) },
		"Previous":  func(r *receipt.Receipt) { r.Previous = strings.Repeat("f", 64) },
		"At":        func(r *receipt.Receipt) { r.At = r.At.Add(time.Microsecond) },
		"Hash":      func(r *receipt.Receipt) { r.Hash = strings.Repeat("f", 64) },
		"Signature": func(r *receipt.Receipt) { r.Signature = base64.StdEncoding.EncodeToString(make([]byte, 64)) },
	}
	for f := range reflect.TypeFor[receipt.Receipt]().Fields() {
		if f.Name != "Key" && changes[f.Name] == nil { // Key only names the key; another one does not verify
			t.Errorf("no change is tried for %s", f.Name)
		}
	}
	for name, change := range changes {
		for i := range 3 {
			c := chain(k, 3)
			change(&c[i])
			if err := verify(public(k), c); err == nil {
				t.Errorf("receipt %d: a changed %s is not found", i+1, name)
			}
		}
	}
}

func TestAReceiptThatIsMissingMovedOrRepeatedIsFound(t *testing.T) {
	t.Parallel()
	k := key(t, 1)
	c := chain(k, 4)
	other := chain(key(t, 2), 4)
	for name, order := range map[string][]receipt.Receipt{
		"first missing":     {c[1], c[2]},
		"middle missing":    {c[0], c[2], c[3]},
		"swapped":           {c[0], c[2], c[1], c[3]},
		"repeated":          {c[0], c[1], c[1], c[2]},
		"of another key":    {c[0], other[1], c[2]},
		"whole other chain": other,
	} {
		if err := verify(public(k), order); err == nil {
			t.Errorf("%s: not found", name)
		}
	}
}

// Whoever can write the database but has not the key cannot make a receipt anew.
func TestASealByAnotherKeyIsFound(t *testing.T) {
	t.Parallel()
	k := key(t, 1)
	c := chain(k, 2)
	c[1].Event = "event-forged"
	c[1].Seal("k1", key(t, 2))
	err := verify(public(k), c)
	if err == nil || !strings.Contains(err.Error(), "signature") {
		t.Fatalf("got %v", err)
	}
}

func TestASignatureThatIsNoBase64IsFound(t *testing.T) {
	t.Parallel()
	k := key(t, 1)
	c := chain(k, 1)
	c[0].Signature = "no base64!"
	if err := verify(public(k), c); err == nil {
		t.Fatal("want an error")
	}
}

// Fields are hashed with their lengths: text moved from one field into the next is another receipt.
func TestTwoReceiptsNeverShareAHash(t *testing.T) {
	t.Parallel()
	k := key(t, 1)
	at := time.Date(2026, 11, 25, 9, 30, 0, 0, time.UTC)
	a := receipt.Receipt{Case: "case", Seq: 1, Event: "ab", Digest: "c", Previous: receipt.Zero, At: at}
	b := receipt.Receipt{Case: "case", Seq: 1, Event: "a", Digest: "bc", Previous: receipt.Zero, At: at}
	a.Seal("k1", k)
	b.Seal("k1", k)
	if a.Hash == b.Hash {
		t.Fatal("same hash")
	}
	if a.Key != "k1" || len(a.Hash) != 64 {
		t.Fatalf("got %+v", a)
	}
}
