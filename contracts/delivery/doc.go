// Package delivery holds the delivery state of one item in one authority's inbox. It says whether content could be
// fetched and read; it never sets procedural state (DESIGN law 6).
//
//	state      next                    moved by
//	announced  fetched | rejected      first fetch; the body cannot read what was announced
//	fetched    accepted | rejected     the body's answer
//	accepted, rejected   –
//
// An announcement without task is closed by the fetch: fetched is its last state unless the body answers.
package delivery
