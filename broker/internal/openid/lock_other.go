//go:build !unix

package openid

import (
	"io"

	"github.com/efa-broker/efa-broker/contracts"
)

// lockDir refuses: without flock two providers could open the same directory.
func lockDir(string) (io.Closer, error) {
	return nil, contracts.Errorf(contracts.Unsupported, "lock directory of OpenID provider", "the embedded provider needs a Unix system")
}
