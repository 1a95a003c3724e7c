//go:build !next

package service

import "io/fs"

// offered changes no package in this build; see broker/internal/next.
func offered(packages fs.FS) fs.FS { return packages }
