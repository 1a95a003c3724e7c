//go:build unix

package localkafka

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/efa-broker/efa-broker/contracts"
)

// acquireLock takes the directory for this process. The kernel gives the lock back when the file is closed or the
// process ends, however it ends.
func acquireLock(dir string) (io.Closer, error) {
	const op = "lock data directory"
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // a fixed name in the data directory
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return held{f}, nil
	}
	err = errors.Join(err, f.Close())
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, contracts.Errorf(contracts.Conflict, op, "%s is in use by another broker: %w", dir, err)
	}
	return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
}

// held is a lock that somebody has.
type held struct{ file *os.File }

// Close gives the lock back, also when a child process that is just being started has a copy of the file.
func (h held) Close() error {
	return errors.Join(syscall.Flock(int(h.file.Fd()), syscall.LOCK_UN), h.file.Close())
}
