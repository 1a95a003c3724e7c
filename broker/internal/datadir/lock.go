//go:build unix

package datadir

import (
	"errors"
	"os"
	"syscall"

	"github.com/efa-broker/efa-broker/contracts"
)

// Lock takes the directory for this process; Close gives it back. The kernel does so when the process ends, however it
// ends. A directory that another process has is a Conflict.
func (d Dir) Lock() (*os.File, error) {
	const op = "lock data directory"
	f, err := os.OpenFile(d.join("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	err = errors.Join(err, f.Close())
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, contracts.Errorf(contracts.Conflict, op, "%s is in use by a running broker or restore: %w", string(d), err)
	}
	return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
}
