//go:build !unix

package localkafka

import (
	"io"

	"github.com/efa-broker/efa-broker/contracts"
)

// acquireLock refuses: without flock two brokers could open the same directory.
func acquireLock(string) (io.Closer, error) {
	return nil, contracts.Errorf(contracts.Unsupported, "lock data directory", "the embedded broker needs a Unix system")
}
