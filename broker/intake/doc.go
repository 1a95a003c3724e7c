// Package intake is where content comes in: applications, notices drawn up by an office, certificates and attachments
// (DESIGN decision 1). Nothing is kept of a submission that is refused, but an audit line.
//
//	submission     what happens, in this order
//	checked        caller, service, region, application schema, facts; every fault at once, with JSON pointers
//	routed         competence for every role of the service package: no lead authority means "no route"
//	sealed         keys of case and people durable, application, sensitive facts and people sealed; nothing of it is written yet
//	recorded       one ledger transaction: case.submitted, receipt, submission row, subjects; with "completes" also the
//	               other case's task.completed and the links of both cases
//
// The same submission id with the same body is answered with the same receipt; with another body it is a Conflict. The
// bodies are compared by a MAC under the case key: the digest of a form gives short fields away.
//
// Intake knows no process step. It must not open content again once it is sealed.
package intake
