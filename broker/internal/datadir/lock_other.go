//go:build !unix

package datadir

import (
	"io"

	"github.com/efa-broker/efa-broker/contracts"
)

// Lock refuses: without flock two processes could hold the same file.
func Lock(string) (io.Closer, error) {
	return nil, contracts.Errorf(contracts.Unsupported, "take lock", "a data directory needs a Unix system")
}
