// Package release lets content go out, and tells who may know that there is some (DESIGN law 4): nothing leaves without
// a decision, and no decision without its record. It owns the rows decisions, disclosures and policy_bundles. It must
// not know what the policy's rules are, nor how content is sealed, nor how an inbox is kept.
//
//	step                what happens                                                      where
//	------------------  ----------------------------------------------------------------  -----------
//	announce            abstract decision per recipient of the law; who may know gets     announce.go
//	                    content.announced, a refusal is recorded and nobody is told
//	fetch               a body asks for fields, a purpose and a basis                      fetch.go
//	  ask               recipient, role and facts come from the broker's rows              question.go
//	  decide            the policy answers now; its answer must be complete                document.go
//	  open, filter      only what is released is kept; a refusal opens nothing             fetch.go
//	  record            one transaction: guard rows, the ground still as it was decided    disclose.go
//	                    on, decision record, disclosure, event with the record's digest,
//	                    delivery state
//	  answer            the bytes leave after the commit                                   fetch.go
//	list                disclosures and refusals that a viewer may see                     list.go
//	explain, replay     from the sealed record alone                                       explain.go, replay.go
//
// # Invariants, each with a test
//
//   - A decision record that cannot be written stops the release: no byte leaves.
//   - A refusal is recorded and answered byte for byte like a reference that nobody knows.
//   - No field leaves that the recorded decision does not release, whatever the content holds.
//   - A repeated fetch is a new decision under the same disclosure.
//   - A body does not learn of refusals that concern itself, neither by list nor by explanation.
//   - Records are sealed under the log key of their month and retention class; columns hold no fact, digests are those
//     of ciphertext, and the answer of an abstract decision stands in its sealed record only.
package release
