//go:build !unix

package openid

import (
	"os"

	"github.com/efa-broker/efa-broker/contracts"
)

// lockDir refuses: without flock two providers could open the same directory.
func lockDir(string) (*os.File, error) {
	return nil, contracts.Errorf(contracts.Unsupported, "lock directory of OpenID provider", "the embedded provider needs a Unix system")
}
