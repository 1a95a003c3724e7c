package seal_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/cloudevent/seal"
)

const head = "authority,principal,key_id,algorithm,public_key,begins,ends,revoked\n"

func spki(tb testing.TB, public crypto.PublicKey) string {
	tb.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		tb.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func TestARegisterOfKeysIsRead(t *testing.T) {
	t.Parallel()
	file := head +
		"gewerbeamt-muenchen,gewerbeamt-muenchen,muenchen-1,ES256," + spki(t, ecKey(t).Public()) + ",2026-01-01T00:00:00+01:00,2027-01-01T00:00:00+01:00,2026-03-01T12:00:00Z\n" +
		"gewerbeamt-muenchen,muenchen-2,muenchen-2,Ed25519," + spki(t, edKey().Public()) + ",2026-01-01T00:00:00Z,,\n" +
		"finanzamt-muenchen,finanzamt-muenchen,finanzamt,Ed25519," + spki(t, edKey().Public()) + ",2026-01-01T00:00:00Z,,\n"
	got, err := seal.ReadRing(strings.NewReader(file), "keys.csv")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]authority.ID{"finanzamt-muenchen", "gewerbeamt-muenchen"}, got.Authorities()); diff != "" {
		t.Error(diff)
	}
	first := got[0]
	if len(got) != 3 || first.ID != "muenchen-1" || first.Algorithm != seal.ES256 || !ecKey(t).PublicKey.Equal(first.Public) ||
		!first.Begins.Equal(time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC)) || !first.Revoked.Equal(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("read %+v", first)
	}
	if second := got[1]; second.Principal != "muenchen-2" || !second.Ends.IsZero() || !second.Revoked.IsZero() {
		t.Errorf("read %+v", second)
	}
}

func TestEveryFaultOfARegisterIsNamedWithLineAndColumn(t *testing.T) {
	t.Parallel()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	row := func(change map[int]string) string {
		cells := []string{"gewerbeamt-muenchen", "gewerbeamt-muenchen", "muenchen-1", "ES256", spki(t, ecKey(t).Public()), "2026-01-01T00:00:00Z", "", ""}
		for i, text := range change {
			cells[i] = text
		}
		return strings.Join(cells, ",") + "\n"
	}
	for want, file := range map[string]string{
		"keys.csv:1: want the columns":    "authority,key\n",
		"keys.csv:2: authority":           head + row(map[int]string{0: "Gewerbeamt"}),
		"keys.csv:2: principal":           head + row(map[int]string{1: ""}),
		"keys.csv:2: key_id":              head + row(map[int]string{2: "1"}),
		"keys.csv:3: key_id: is listed":   head + row(nil) + row(nil),
		"algorithm: want ES256":           head + row(map[int]string{3: "none"}),
		"keys.csv:2: algorithm":           head + row(map[int]string{3: "HS256"}),
		"want ES256, which is that":       head + row(map[int]string{3: "Ed25519"}),
		"keys.csv:2: public_key: want B":  head + row(map[int]string{4: "AAA"}),
		"public_key: is no Subject":       head + row(map[int]string{4: "AAAA"}),
		"public_key: want a key on P-256": head + row(map[int]string{3: "ES384", 4: spki(t, p384.Public())}),
		"no other algorithm":              head + row(map[int]string{3: "RS256", 4: spki(t, weak.Public())}),
		"keys.csv:2: begins":              head + row(map[int]string{5: ""}),
		"keys.csv:2: ends: want":          head + row(map[int]string{6: "2027"}),
		"keys.csv:2: ends: is not after":  head + row(map[int]string{6: "2026-01-01T00:00:00Z"}),
		"keys.csv:2: revoked":             head + row(map[int]string{7: "yes"}),
		"wrong number of fields":          head + "gewerbeamt-muenchen\n",
	} {
		got, err := seal.ReadRing(strings.NewReader(file), "keys.csv")
		if contracts.KindOf(err) != contracts.Invalid || !strings.Contains(err.Error(), want) || got != nil {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	_, err = seal.ReadRing(strings.NewReader(head+row(map[int]string{0: "X", 5: ""})+row(map[int]string{7: "yes"})), "keys.csv")
	for _, want := range []string{"keys.csv:2: authority", "keys.csv:2: begins", "keys.csv:3: revoked", "keys.csv:3: key_id"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("not every fault at once: %q is missing in %v", want, err)
		}
	}
}
