//go:build !unix

package datadir

import (
	"os"

	"github.com/efa-broker/efa-broker/contracts"
)

// Lock refuses: without flock two processes could open the same directory.
func (d Dir) Lock() (*os.File, error) {
	return nil, contracts.Errorf(contracts.Unsupported, "lock data directory", "a data directory needs a Unix system")
}
