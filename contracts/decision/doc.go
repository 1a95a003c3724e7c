// Package decision holds the question that the disclosure policy is asked, the document with which it answers, and
// the record that must be committed before bytes leave (DESIGN law 4; notes on the shape: policies/doc.go).
//
// The input holds no content and no person: names of fields, facts, parties, the instant. Case and subject stand in
// the record. Disclosure and access are two questions; both must be answered yes.
package decision
