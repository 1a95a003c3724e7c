package rows

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Receipt is a row of receipts.
type Receipt struct {
	Case, Event, Digest, Previous, Hash, Key, Signature string
	Seq                                                 int64
	At                                                  time.Time
}

// fields is the documented preimage of every digest: each field behind its length in bytes and a colon.
func fields(list ...string) []byte {
	var b strings.Builder
	for _, f := range list {
		b.WriteString(strconv.Itoa(len(f)) + ":" + f)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return sum[:]
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// digest is that of an event (efa-event/1), hex.
func (e Event) digest() (string, error) {
	var actor struct {
		ID        string `json:"id"`
		Role      string `json:"role"`
		Authority string `json:"authority"`
	}
	if err := json.Unmarshal([]byte(e.Actor), &actor); err != nil {
		return "", fmt.Errorf("its actor does not read: %w", err)
	}
	return hex.EncodeToString(fields("efa-event/1", e.ID, e.Source, e.Type, e.Case, e.Tenant, e.Operator, actor.ID, actor.Role, actor.Authority,
		instant(e.At), strconv.FormatInt(e.Seq, 10), strconv.FormatInt(e.EngineSeq, 10), e.Data, e.TraceParent)), nil
}

// follows checks that r acknowledges e, follows the receipt with the hash previous, and is signed by a known key.
func (r Receipt) follows(e Event, previous string, keys map[string][]byte) string {
	digest, err := e.digest()
	if err != nil {
		return err.Error()
	}
	sum := fields("efa-receipt/1", r.Case, strconv.FormatInt(r.Seq, 10), r.Event, r.Digest, r.Previous, instant(r.At))
	signature, err := base64.StdEncoding.DecodeString(r.Signature)
	public := keys[r.Key]
	id := sha256.Sum256(public)
	switch {
	case r.Seq != e.Seq || r.Event != e.ID:
		return "is that of another event"
	case r.Digest != digest || e.Digest != digest:
		return "does not commit to the event as it stands"
	case r.Previous != previous:
		return "does not follow its predecessor"
	case r.Hash != hex.EncodeToString(sum):
		return "does not match its hash"
	case len(public) != ed25519.PublicKeySize || r.Key != "receipt-"+hex.EncodeToString(id[:16]):
		return "names a key that is not there"
	case err != nil || !ed25519.Verify(public, sum, signature):
		return "is not signed by its key"
	}
	return ""
}

// Chain says what is wrong with the receipts of a case; empty when they verify.
func (l *Ledger) Chain(caseID string) string {
	events, receipts := l.Events[caseID], l.Receipts[caseID]
	if len(events) != len(receipts) {
		return fmt.Sprintf("%d events and %d receipts", len(events), len(receipts))
	}
	previous := strings.Repeat("0", 64)
	for i, r := range receipts {
		if why := r.follows(events[i], previous, l.Keys); why != "" {
			return fmt.Sprintf("receipt %d %s", r.Seq, why)
		}
		previous = r.Hash
	}
	if previous != l.Cases[caseID].Head {
		return "the chain does not end at the head of the case"
	}
	return ""
}
