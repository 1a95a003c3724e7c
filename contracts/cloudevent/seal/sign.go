package seal

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/cloudevent"
)

// envelope is the JSON envelope of DSSE.
type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     []byte      `json:"payload"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"`
}

// Signer seals events.
type Signer struct {
	// KeyID is the id under which the public key is registered.
	KeyID string
	// Private is the key, in this process or behind an interface: ECDSA on P-256 or Ed25519.
	Private crypto.Signer
}

// Seal sets signedextattrs and dssematerial of the event, which is complete otherwise; an earlier seal is replaced. Every
// extension is listed. It fails as Invalid for a key that is neither ES256 nor Ed25519.
func (s Signer) Seal(e *cloudevent.Event) error {
	const op = "seal event"
	if e.Extensions == nil {
		e.Extensions = map[string]string{}
	}
	delete(e.Extensions, ExtList)
	listed := extensions(*e)
	if len(listed) > 0 {
		e.Extensions[ExtList] = strings.Join(listed, ",")
	}
	material, err := Material(*e, listed)
	if err != nil {
		return contracts.Errorf(contracts.Invalid, op, "%w", err)
	}
	sig, err := s.sign(preAuthEncoding(PayloadType, material[:]))
	if err != nil {
		return err
	}
	raw, err := json.Marshal(envelope{PayloadType: PayloadType, Payload: material[:], Signatures: []signature{{s.KeyID, sig}}})
	if err != nil {
		return fmt.Errorf("%s: encode envelope: %w", op, err)
	}
	e.Extensions[ExtMaterial] = base64.StdEncoding.EncodeToString(raw)
	return nil
}

func (s Signer) sign(message []byte) ([]byte, error) {
	const op = "sign event"
	if s.Private == nil {
		return nil, contracts.Errorf(contracts.Invalid, op, "there is no key")
	}
	algorithm, err := algorithmOf(s.Private.Public())
	if err != nil {
		return nil, contracts.Errorf(contracts.Invalid, op, "%w", err)
	}
	if algorithm == Ed25519 {
		return s.Private.Sign(nil, message, crypto.Hash(0))
	}
	digest := sha256.Sum256(message)
	random := rand.Reader
	if _, local := s.Private.(*ecdsa.PrivateKey); local {
		random = nil // deterministic (RFC 6979): the same event has the same seal
	}
	der, err := s.Private.Sign(random, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	var rs struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &rs); err != nil || len(rest) > 0 {
		return nil, contracts.Errorf(contracts.Internal, op, "the key answers no ECDSA signature")
	}
	out := make([]byte, 2*coordinate)
	rs.R.FillBytes(out[:coordinate])
	rs.S.FillBytes(out[coordinate:])
	return out, nil
}

// coordinate is the number of bytes of r and of s on P-256.
const coordinate = 32

// verifies tells whether sig is the key's signature of the message, by the key's own algorithm.
func (k Key) verifies(message, sig []byte) bool {
	switch public := k.Public.(type) {
	case ed25519.PublicKey:
		return k.Algorithm == Ed25519 && len(sig) == ed25519.SignatureSize && ed25519.Verify(public, message, sig)
	case *ecdsa.PublicKey:
		if k.Algorithm != ES256 || len(sig) != 2*coordinate {
			return false
		}
		digest := sha256.Sum256(message)
		return ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(sig[:coordinate]), new(big.Int).SetBytes(sig[coordinate:]))
	}
	return false
}
