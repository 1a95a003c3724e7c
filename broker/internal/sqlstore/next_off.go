//go:build !next

package sqlstore

import "io/fs"

// renew adds no migration in this build; see package next.
func renew(migrations fs.FS) fs.FS { return migrations }
