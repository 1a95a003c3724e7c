// Package event holds the events of the broker: CloudEvents 1.0 whose data are closed Go structs without free text,
// content or direct identifiers of a person (DESIGN law 1). Types are de.efa.<noun>.<past participle>.v<N>.
//
// The catalogue (Types) says for each what it means, who emits it, who listens, whether it is handed to the process
// engine and whether it reaches an inbox. JSON Schemas and the catalogue page are generated from it:
//
//	go generate ./contracts/event
//
// Events evolve by addition (DESIGN decision 13): a new member is optional and its field carries the tag added, so that a repeat through
// a program without it stays a repeat (Same). Whatever else changes is a new type with the next number: a program that
// does not know it parks it (package deadletter), so it is emitted only when every program that runs understands it.
package event
