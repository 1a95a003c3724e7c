// Package services holds the service packages: data only, one folder per service key. A package is service.yaml (roles,
// facts and how they are derived), process.yaml (the definition), application.schema.json (the form; JSON Schema
// 2020-12 whose properties carry the form's field numbers and data groups), texts per language and example
// applications of invented people and firms. Package contracts/service reads and checks them.
package services

import "embed"

// Files holds every service package under its folder.
//
//go:embed 99050012070000 99050012104000
var Files embed.FS
