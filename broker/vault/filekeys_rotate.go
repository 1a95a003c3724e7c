package vault

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// Version implements KeyWrapper.
func (k *FileKeys) Version(wrapped []byte) (uint32, error) {
	if len(wrapped) < 4 {
		return 0, contracts.Errorf(contracts.Internal, "read key version", "%w", errEnvelope)
	}
	return binary.BigEndian.Uint32(wrapped), nil
}

// Rotate implements KeyWrapper.
func (k *FileKeys) Rotate(_ context.Context, tenant authority.TenantID) (uint32, error) {
	version, err := k.current(tenant)
	for err == nil {
		version++
		var made bool
		if made, err = k.create(tenant, version); made {
			return version, nil
		}
	}
	return 0, err
}

// Destroy implements KeyWrapper: the files are overwritten, made durable and removed. A file system that copies on write
// and a disk that spreads its wear keep the old bytes for a while; such places want encryption of their own.
func (k *FileKeys) Destroy(_ context.Context, tenant authority.TenantID, below uint32) error {
	const op = "destroy tenant key"
	versions, err := k.versions(tenant)
	if err != nil {
		return err
	}
	if len(versions) == 0 || versions[len(versions)-1] < below {
		return contracts.Errorf(contracts.Internal, op, "version %d does not exist; the last key of a tenant is not destroyed", below)
	}
	for _, v := range versions {
		if v >= below {
			break
		}
		if err := k.shred(keyFile(tenant, v)); err != nil {
			return contracts.Errorf(contracts.Unavailable, op, "%w", err)
		}
	}
	if err := k.sync(string(tenant)); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	return nil
}

func (k *FileKeys) shred(name string) error {
	f, err := k.root.OpenFile(name, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another process was faster
	}
	if err != nil {
		return err
	}
	noise := make([]byte, keyBytes)
	_, _ = rand.Read(noise) // it never fails: the program ends instead
	_, err = f.WriteAt(noise, 0)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := k.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// versions lists the versions of a tenant's key that exist, ascending.
func (k *FileKeys) versions(tenant authority.TenantID) ([]uint32, error) {
	if !tenantPattern.MatchString(string(tenant)) {
		return nil, contracts.Errorf(contracts.Internal, "find tenant key", "tenant id is malformed")
	}
	entries, err := fs.ReadDir(k.root.FS(), string(tenant))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, contracts.Errorf(contracts.Internal, "find tenant key", "%w", err)
	}
	var out []uint32
	for _, e := range entries {
		name, isKey := strings.CutSuffix(e.Name(), ".key")
		if n, err := strconv.ParseUint(name, 10, 32); isKey && err == nil && n > 0 {
			out = append(out, uint32(n))
		}
	}
	slices.Sort(out)
	return out, nil
}
