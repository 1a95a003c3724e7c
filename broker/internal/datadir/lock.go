//go:build unix

package datadir

import (
	"errors"
	"io"
	"os"
	"syscall"

	"github.com/efa-broker/efa-broker/contracts"
)

// Lock takes the file at path for this process; Close gives it back. The kernel does so when the process ends, however
// it ends. A file that another process has is a Conflict.
func Lock(path string) (io.Closer, error) {
	const op = "take lock"
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator configures where data lie
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return held{f}, nil
	}
	err = errors.Join(err, f.Close())
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, contracts.Errorf(contracts.Conflict, op, "%s is held by another process: %w", path, err)
	}
	return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
}

// held is a lock that somebody has.
type held struct{ file *os.File }

// Close gives the lock back, also when a child process that is just being started has a copy of the file.
func (h held) Close() error {
	return errors.Join(syscall.Flock(int(h.file.Fd()), syscall.LOCK_UN), h.file.Close())
}
