package receipt

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// Receipt is one link of a case's chain.
type Receipt struct {
	Case string `json:"case_id"`
	// Seq counts from 1 without gaps; it equals the event's case_seq.
	Seq int64 `json:"seq"`
	// Event is the id of the event that this receipt acknowledges.
	Event string `json:"event_id"`
	// Digest is the SHA-256 of the event as recorded, hex.
	Digest string `json:"digest"`
	// Previous is the hash of the receipt before; 64 zeros for the first.
	Previous string `json:"previous"`
	// At is the time of receipt, UTC.
	At time.Time `json:"at"`
	// Hash is the SHA-256 over the fields above, hex.
	Hash string `json:"hash"`
	// Key names the signing key.
	Key string `json:"key_id"`
	// Signature is the Ed25519 signature over Hash, base64.
	Signature string `json:"signature"`
}

// Zero is the Previous of a case's first receipt.
const Zero = "0000000000000000000000000000000000000000000000000000000000000000"

// Seal fills Hash, Key and Signature.
func (r *Receipt) Seal(keyID string, key ed25519.PrivateKey) {
	sum := r.sum()
	r.Hash = hex.EncodeToString(sum)
	r.Key = keyID
	r.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, sum))
}

// Verify checks hash and signature of r with key, the public key that r.Key names (nil when nobody knows it), and that it follows the receipt with the hash previous and the number seq.
func (r *Receipt) Verify(key ed25519.PublicKey, seq int64, previous string) error {
	if r.Seq != seq {
		return fmt.Errorf("receipt %d of case %s: want number %d", r.Seq, r.Case, seq)
	}
	if r.Previous != previous {
		return fmt.Errorf("receipt %d of case %s does not follow its predecessor", r.Seq, r.Case)
	}
	sum := r.sum()
	if hex.EncodeToString(sum) != r.Hash {
		return fmt.Errorf("receipt %d of case %s: its fields do not match its hash", r.Seq, r.Case)
	}
	sig, err := base64.StdEncoding.DecodeString(r.Signature)
	if err != nil || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, sum, sig) {
		return fmt.Errorf("receipt %d of case %s: signature does not verify", r.Seq, r.Case)
	}
	return nil
}

// sum hashes the fields with length prefixes, so that no two receipts share a preimage.
func (r *Receipt) sum() []byte {
	var b bytes.Buffer
	for _, f := range []string{
		"efa-receipt/1", r.Case, strconv.FormatInt(r.Seq, 10), r.Event, r.Digest, r.Previous,
		r.At.UTC().Format(time.RFC3339Nano),
	} {
		fmt.Fprintf(&b, "%d:%s", len(f), f)
	}
	s := sha256.Sum256(b.Bytes())
	return s[:]
}
