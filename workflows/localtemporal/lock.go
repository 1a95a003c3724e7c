//go:build unix

package localtemporal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/efa-broker/efa-broker/contracts"
)

const lockFile = "lock"

// lockDir takes the directory for this process. The kernel gives it back when the process dies, however it dies.
func lockDir(dir string) (*os.File, error) {
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
	return f, nil
}
