// Package api holds the one OpenAPI 3.1 file of the broker. Server code is generated from it per tag into the domain
// that mounts it; requests are validated against it before a handler sees them.
package api

import _ "embed"

// OpenAPI is the contract, YAML.
//
//go:embed openapi.yaml
var OpenAPI []byte
