package ledger

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// SigningKey signs receipts (Ed25519).
type SigningKey struct {
	// ID is derived from the public key, so that it cannot name another one.
	ID      string
	Private ed25519.PrivateKey
}

// Public is the key with which anyone can verify receipts.
func (k SigningKey) Public() ed25519.PublicKey {
	pub, ok := k.Private.Public().(ed25519.PublicKey)
	if !ok {
		panic("an Ed25519 key has an Ed25519 public key")
	}
	return pub
}

// LoadKey reads the signing key from path and creates it (mode 0600, durable before it is used) when there is none.
func LoadKey(path string) (SigningKey, error) {
	seed, err := os.ReadFile(path) //nolint:gosec // the operator configures where the key lies
	if errors.Is(err, fs.ErrNotExist) {
		seed, err = createSeed(path)
	}
	if err != nil {
		return SigningKey{}, fmt.Errorf("load receipt key: %w", err)
	}
	if len(seed) != ed25519.SeedSize {
		return SigningKey{}, fmt.Errorf("load receipt key %s: want %d bytes, found %d", path, ed25519.SeedSize, len(seed))
	}
	return NewKey(seed), nil
}

// NewKey makes a signing key from a 32-byte seed.
func NewKey(seed []byte) SigningKey {
	private := ed25519.NewKeyFromSeed(seed)
	k := SigningKey{Private: private}
	sum := sha256.Sum256(k.Public())
	k.ID = "receipt-" + hex.EncodeToString(sum[:8])
	return k
}

func createSeed(path string) ([]byte, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator configures where the key lies
	if err != nil {
		return nil, fmt.Errorf("create key file: %w", err)
	}
	_, err = f.Write(seed)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("write key file: %w", err)
	}
	return seed, nil
}
