//go:build unix

package localtemporal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/efa-broker/efa-broker/contracts"
)

const lockFile = "lock"

// lockDir takes the directory for this process. The kernel gives it back when the process dies, however it dies.
func lockDir(dir string) (io.Closer, error) {
	const op = "lock directory of process engine"
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, fileMode) //nolint:gosec // the operator's own data directory
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, contracts.Errorf(contracts.Conflict, op, "%s is in use by another process", dir)
		}
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return held{f}, nil
}

// held is a lock that somebody has.
type held struct{ file *os.File }

// Close gives the lock back, also when a child process that is just being started has a copy of the file.
func (h held) Close() error {
	return errors.Join(syscall.Flock(int(h.file.Fd()), syscall.LOCK_UN), h.file.Close())
}
