// Package data holds the tables that the product carries with it: regional keys, postcodes, tenants, authorities and
// law. README.md names source, date and licence of each; the packages that read them (contracts/region,
// contracts/law, broker/competence) own their meaning.
package data

import "embed"

// Files holds every table.
//
//go:embed *.csv
var Files embed.FS
