// Package policies answers two questions, with OPA in process: may this content go there (efa.disclosure), and may this
// role do this here (efa.access). Both deny by default, both must be answered yes.
//
//	question     entrypoint                     input                 answer
//	disclosure   data.efa.disclosure.decision   decision.Input        decision.Document, each requested field once
//	access       data.efa.access.allow          decision.AccessInput  bool
//
// A bundle holds rules and law (rego folder, law.Book) and is named by the SHA-256 of its bytes; the input holds who asks for
// what, facts and the instant. So replay is a function of (revision, recorded input). The embedded bundle is built at
// New; Activate puts another in its place as a whole, and a bundle that does not load changes nothing.
//
// Rules only prove requirements; what of the catalogue stays unproven is withheld and is the reason. So a missing
// member, row or rule makes the answer smaller, never larger. An answer that does not decide each requested field
// exactly once, is undefined, or comes too late is an error and not a document.
//
//	what goes wrong                                  kind of error
//	the input breaks its closed form                 Invalid, with every problem
//	time is up, the caller went away                 Unavailable
//	undefined, contradiction in the law, bad answer  Internal
//
// Found different from the notes: they bound a decision to 50 ms. A decision takes a few, but two busy cores that compile
// or start the engines keep the goroutine waiting longer than that, and a first run was answered 503 without any fault.
// So the default is 500 ms: still an end for an evaluation that never comes to one, no longer a verdict on the scheduler.
//
// The package must not know content, cases, persons or databases: whoever calls it writes the record before bytes
// leave (DESIGN law 4), and gives old bundles for replay.
//
// The order of a rule folder: <rule>.rego (METADATA with norms; a requirement also names its code), <rule>_test.rego.
// A new requirement needs an entry in the catalogue in rego/disclosure/decision; the tests say what is missing.
package policies
