package vault

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// keyBytes is the length of every key: AES-256.
const keyBytes = 32

var tenantPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// FileKeys is a KeyWrapper over files <dir>/<tenant>/<version>.key with mode 0600, each 32 random bytes. The highest
// version wraps, every version that still exists unwraps.
type FileKeys struct{ root *os.Root }

// NewFileKeys opens dir and creates it when it is missing. It must lie in no backup.
func NewFileKeys(dir string) (*FileKeys, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, contracts.Errorf(contracts.Internal, "open tenant keys", "%w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, "open tenant keys", "%w", err)
	}
	return &FileKeys{root: root}, nil
}

// Close gives the directory back; the keys stay.
func (k *FileKeys) Close() error { return k.root.Close() }

// Wrap implements KeyWrapper. The result is the version, four bytes big-endian, and the ciphertext.
func (k *FileKeys) Wrap(_ context.Context, tenant authority.TenantID, keyID string, plain []byte) ([]byte, error) {
	for {
		version, err := k.current(tenant)
		if err != nil {
			return nil, err
		}
		key, err := k.read(tenant, version)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was destroyed in between: a newer one exists
		}
		if err != nil {
			return nil, err
		}
		ciphertext, err := seal(key, plain, wrapData(tenant, keyID))
		if err != nil {
			return nil, err
		}
		return append(binary.BigEndian.AppendUint32(nil, version), ciphertext...), nil
	}
}

// Unwrap implements KeyWrapper.
func (k *FileKeys) Unwrap(_ context.Context, tenant authority.TenantID, keyID string, wrapped []byte) ([]byte, error) {
	if len(wrapped) < 4 {
		return nil, contracts.Errorf(contracts.Internal, "unwrap key", "%w", errEnvelope)
	}
	key, err := k.read(tenant, binary.BigEndian.Uint32(wrapped))
	if err != nil {
		return nil, err
	}
	return open(key, wrapped[4:], wrapData(tenant, keyID))
}

func wrapData(tenant authority.TenantID, keyID string) []byte {
	return []byte("efa-key/1|" + string(tenant) + "|" + keyID)
}

// current is the highest version of the tenant's key; the first is created at first use.
func (k *FileKeys) current(tenant authority.TenantID) (uint32, error) {
	versions, err := k.versions(tenant)
	if err != nil {
		return 0, err
	}
	if len(versions) > 0 {
		return versions[len(versions)-1], nil
	}
	_, err = k.create(tenant, 1)
	return 1, err
}

// create writes a new key that is complete and durable before its name exists. A key that another process created in
// the meantime stays, and made is false.
func (k *FileKeys) create(tenant authority.TenantID, version uint32) (made bool, err error) {
	if err := k.root.Mkdir(string(tenant), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return false, contracts.Errorf(contracts.Internal, "create tenant key", "%w", err)
	}
	temporary := path.Join(string(tenant), "new-"+rand.Text())
	err = k.write(temporary)
	if err == nil {
		err = k.root.Link(temporary, keyFile(tenant, version))
		if made = err == nil; errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	if rm := k.root.Remove(temporary); rm != nil && !errors.Is(rm, fs.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	if err = errors.Join(err, k.sync(string(tenant)), k.sync(".")); err != nil {
		return false, contracts.Errorf(contracts.Internal, "create tenant key", "%w", err)
	}
	return made, nil
}

func (k *FileKeys) write(name string) error {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // it never fails: the program ends instead
	f, err := k.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(key)
	return errors.Join(err, f.Sync(), f.Close())
}

func (k *FileKeys) sync(name string) error {
	d, err := k.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (k *FileKeys) read(tenant authority.TenantID, version uint32) ([]byte, error) {
	if !tenantPattern.MatchString(string(tenant)) {
		return nil, contracts.Errorf(contracts.Internal, "read tenant key", "tenant id is malformed")
	}
	key, err := k.root.ReadFile(keyFile(tenant, version))
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, "read tenant key", "%w", err)
	}
	if len(key) != keyBytes {
		return nil, contracts.Errorf(contracts.Internal, "read tenant key", "version %d has %d bytes, want %d", version, len(key), keyBytes)
	}
	return key, nil
}

func keyFile(tenant authority.TenantID, version uint32) string {
	return path.Join(string(tenant), fmt.Sprintf("%d.key", version))
}
