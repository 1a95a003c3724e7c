//go:build next

package service

import (
	"io/fs"
	"strings"
	"testing/fstest"
)

// offered renames a step of the trade registration: cases of the next version have another definition.
func offered(packages fs.FS) fs.FS {
	out := fstest.MapFS{}
	err := fs.WalkDir(packages, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(packages, path)
		if path == "99050012104000/process.yaml" {
			raw = []byte(strings.NewReplacer("id: acknowledge", "id: certify", "start: acknowledge", "start: certify").Replace(string(raw)))
		}
		out[path] = &fstest.MapFile{Data: raw}
		return err
	})
	if err != nil {
		panic(err) // they are embedded
	}
	return out
}
