// Package data holds the tables that the product carries with it: regional keys, postcodes, tenants, authorities and
// law. README.md names source, date and licence of each; the packages that read them (contracts/region,
// contracts/law, broker/competence) own their meaning.
package data

import "embed"

// Files holds every table.
//
//go:embed *.csv
var Files embed.FS

// AuthorityKeys is the register of the keys with which authorities that speak Kafka seal their events; package
// contracts/cloudevent/seal reads it. The product carries none: an authority registers its own.
const AuthorityKeys = "authority_keys.csv"
