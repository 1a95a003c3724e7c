# The law and the request that the tests of this question share: one row, and a request that it carries but for the
# field "form.3".
package efa.disclosure_test

import rego.v2

row := {
	"begins": "2026-01-01T00:00:00Z",
	"conditions": {"not_waived": true},
	"ends": "2027-01-01T00:00:00Z",
	"fields": {"form.1": {"effect": "allow", "group": "name"}, "form.2": {"effect": "allow", "group": "address"}},
	"kind": "chamber",
	"norm": "Act § 1",
	"purposes": ["inform"],
	"retain": "P2Y",
}

law := {"rows": {"service": {"chamber": {"basis": {"2026-01-01T00:00:00Z": row}}}}}

request := {
	"basis": "basis",
	"facts": {"not_waived": true, "other": false},
	"fields": ["form.1", "form.2", "form.3"],
	"now": "2026-06-01T12:00:00Z",
	"purpose": "inform",
	"recipient": {"kind": "chamber", "role": "chamber"},
	"service": "service",
	"stage": "concrete",
}
