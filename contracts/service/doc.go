// Package service reads service packages (contracts/services): what a service asks for, who takes part in it, which
// facts its form yields, and by which process it runs.
//
//	file                      becomes              checked at Load
//	service.yaml              Package              strictly: unknown and repeated members are refused
//	application.schema.json   Validate, Filter …   every property belongs to one field of the form, each field to one group
//	process.yaml              Document             by contracts/process, with the facts, roles and law that the package names
//	texts.<language>.json     Texts                same fields, values and members in every language
//	examples/*.json           Examples             only that they are there; tests validate them
//
// Intake walks a form through the package in this order, and each step trusts the one before:
//
//	Validate → Decode → Derive → Regions → Subjects
//
// A property of the application schema that carries x-efa-field belongs, with everything inside it, to that field of the
// form. Filter keeps whole fields and nothing else, so what a decision did not release cannot leave by a container.
//
// The package must not know who is competent, what a recipient may have, or where content is kept. It never puts a value
// of a form into an error.
package service
