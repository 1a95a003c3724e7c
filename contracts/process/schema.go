package process

import _ "embed" // the schema

//go:embed process.schema.json
var schema []byte

// Schema is the JSON Schema of process.yaml for editors (draft 2020-12). It knows the shape only; Load knows the meaning.
func Schema() []byte { return append([]byte(nil), schema...) }
