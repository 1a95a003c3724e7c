//go:build next

package sqlstore

import (
	"embed"
	"errors"
	"io/fs"
	"testing/fstest"
)

//go:embed migrations/next/*.sql
var embeddedNext embed.FS

// renew adds the migrations of the next version.
func renew(migrations fs.FS) fs.FS {
	out := fstest.MapFS{}
	next, err := fs.Sub(embeddedNext, "migrations/next")
	if err = errors.Join(err, add(out, migrations), add(out, next)); err != nil {
		panic(err) // they are embedded
	}
	return out
}

func add(to fstest.MapFS, from fs.FS) error {
	names, err := fs.Glob(from, "*.sql")
	for _, name := range names {
		raw, unread := fs.ReadFile(from, name)
		err = errors.Join(err, unread)
		to[name] = &fstest.MapFile{Data: raw}
	}
	return err
}
