//go:build unix

package openid

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/efa-broker/efa-broker/contracts"
)

// lockDir takes the directory for this process: two providers over it would not know each other's used assertions. The
// kernel gives it back when the process ends, however it ends.
func lockDir(dir string) (io.Closer, error) {
	const op = "lock directory of OpenID provider"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // a fixed name in the configured directory
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return held{f}, nil
	}
	err = errors.Join(err, f.Close())
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, contracts.Errorf(contracts.Conflict, op, "%s is in use by another process: stop it, or name another directory", dir)
	}
	return nil, fmt.Errorf("%s: %w", op, err)
}

// held is a lock that somebody has.
type held struct{ file *os.File }

// Close gives the lock back, also when a child process that is just being started has a copy of the file.
func (h held) Close() error {
	return errors.Join(syscall.Flock(int(h.file.Fd()), syscall.LOCK_UN), h.file.Close())
}
