package openid

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/efa-broker/efa-broker/broker/internal/datadir"
	"github.com/efa-broker/efa-broker/contracts"
)

// lockDir takes the directory for this process: two providers over it would not know each other's used assertions. The
// kernel gives it back when the process ends, however it ends.
func lockDir(dir string) (io.Closer, error) {
	const op = "lock directory of OpenID provider"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	lock, err := datadir.Lock(filepath.Join(dir, "lock"))
	if err != nil && contracts.KindOf(err) == contracts.Conflict {
		return nil, contracts.Errorf(contracts.Conflict, op, "%s is in use by another process: stop it, or name another directory", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return lock, nil
}
