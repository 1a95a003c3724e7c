// Package generate writes what is generated from the catalogue of events: one JSON Schema per type and the page for
// people. It also is the lint of the events: a member whose type or name is not on the closed lists of this package
// cannot be generated, so no event can grow a member with free text (DESIGN law 1).
package generate
