package vault

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/content"
)

// errEnvelope is an envelope that no version of the vault wrote.
var errEnvelope = errors.New("envelope is malformed")

// errMoved is a ciphertext that does not belong where it lies: moved, altered, or under another key.
var errMoved = errors.New("ciphertext does not open: it was moved or altered, or its key is another")

// envelopeV1 is the first byte of an object's envelope: version, two bytes of length, wrapped object key, ciphertext.
const envelopeV1 = 1

func newKey() []byte {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // it never fails: the program ends instead
	return key
}

func seal(key, plaintext, data []byte) ([]byte, error) {
	a, err := subtle.NewAESGCM(key)
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, "seal", "%w", err)
	}
	ciphertext, err := a.Encrypt(plaintext, data)
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, "seal", "%w", err)
	}
	return ciphertext, nil
}

func open(key, ciphertext, data []byte) ([]byte, error) {
	a, err := subtle.NewAESGCM(key)
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, "open", "%w", err)
	}
	plaintext, err := a.Decrypt(ciphertext, data)
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, "open", "%w", errMoved)
	}
	return plaintext, nil
}

// mac authenticates data under a key derived from key, so that no key serves two purposes.
func mac(key, data []byte) ([]byte, error) {
	derived, err := hkdf.Key(sha256.New, key, nil, "efa-mac/1", keyBytes)
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, "derive key", "%w", err)
	}
	h := hmac.New(sha256.New, derived)
	h.Write(data)
	return h.Sum(nil), nil
}

// objectData is the associated data of an object: where it belongs.
func objectData(o content.Object) []byte {
	return []byte(o.Case + "|" + string(o.Content) + "|" + string(o.Kind))
}

// sealBody seals o.Body under a new object key and returns the envelope and the MAC of the body.
func sealBody(caseKey []byte, o content.Object) (envelope, bodyMAC []byte, err error) {
	objectKey := newKey()
	wrapped, err := seal(caseKey, objectKey, objectData(o))
	if err != nil {
		return nil, nil, err
	}
	ciphertext, err := seal(objectKey, o.Body, objectData(o))
	if err != nil {
		return nil, nil, err
	}
	bodyMAC, err = mac(objectKey, o.Body)
	if err != nil {
		return nil, nil, err
	}
	envelope = binary.BigEndian.AppendUint16([]byte{envelopeV1}, uint16(len(wrapped))) //nolint:gosec // a wrapped key has 60 bytes
	return append(append(envelope, wrapped...), ciphertext...), bodyMAC, nil
}

// openEnvelope returns the object key and the ciphertext of an envelope.
func openEnvelope(caseKey []byte, o content.Object, envelope []byte) (objectKey, ciphertext []byte, err error) {
	if len(envelope) < 3 || envelope[0] != envelopeV1 {
		return nil, nil, contracts.Errorf(contracts.Internal, "open envelope", "%w", errEnvelope)
	}
	n := int(binary.BigEndian.Uint16(envelope[1:3]))
	rest := envelope[3:]
	if len(rest) < n {
		return nil, nil, contracts.Errorf(contracts.Internal, "open envelope", "%w", errEnvelope)
	}
	objectKey, err = open(caseKey, rest[:n], objectData(o))
	if err != nil {
		return nil, nil, err
	}
	return objectKey, rest[n:], nil
}
