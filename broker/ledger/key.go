package ledger

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
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
	k.ID = KeyID(k.Public())
	return k
}

// KeyID is the id of a public key, made from its SHA-256.
func KeyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return "receipt-" + hex.EncodeToString(sum[:16])
}

// RememberKey keeps the public half of the signing key, so that receipts verify after the key was replaced. It is called
// at start, before the first append.
func (l *Ledger) RememberKey(ctx context.Context) error {
	return l.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(ctx, `insert into receipt_keys (id, public, created_at) values ($1, $2, $3) on conflict (id) do nothing`,
			l.cfg.Key.ID, []byte(l.cfg.Key.Public()), tx.Now())
		return err
	})
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
