//go:build unix

package datadir

import (
	"errors"
	"os"
	"syscall"

	"github.com/efa-broker/efa-broker/contracts"
)

// Lock takes the file at path for this process; Close gives it back. The kernel does so when the process ends, however
// it ends. A file that another process has is a Conflict.
func Lock(path string) (*os.File, error) {
	const op = "take lock"
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator configures where data lie
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	err = errors.Join(err, f.Close())
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, contracts.Errorf(contracts.Conflict, op, "%s is held by another process: %w", path, err)
	}
	return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
}
