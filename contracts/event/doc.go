// Package event holds the events of the broker: CloudEvents 1.0 whose data are closed Go structs without free text,
// content or direct identifiers of a person (DESIGN law 1). Types are de.efa.<noun>.<past participle>.v<N>.
//
// The catalogue (Types) says for each what it means, who emits it, who listens, whether it is handed to the process
// engine and whether it reaches an inbox. JSON Schemas and the catalogue page are generated from it:
//
//	go generate ./contracts/event
package event
