package event

import "embed"

//go:generate go test . -run TestGeneratedFilesAreCurrent -update

//go:embed schemas/*.json
var schemas embed.FS

// Schema is the JSON Schema (2020-12) of the data of an event type, generated from its Go struct. It is closed: no
// member besides those of the struct, and no member that could hold free text. It is false for a type that the
// catalogue does not list.
func Schema(name string) ([]byte, bool) {
	if _, ok := Lookup(name); !ok {
		return nil, false
	}
	raw, err := schemas.ReadFile("schemas/" + name + ".json")
	return raw, err == nil
}
