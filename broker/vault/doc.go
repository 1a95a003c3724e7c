// Package vault keeps content under keys. It owns the rows contents, subjects and case_subjects of the ledger database,
// and a key store of its own that is never in the ledger's backup (DESIGN decision 6). It must not know who may see
// what: that is decided before it is asked to open anything.
//
// # Keys
//
//	tenant key   a file of 32 random bytes per version, or a KMS, behind KeyWrapper; never in a database, in no backup
//	├─ case key      one per case, wrapped under the tenant key       key store, id case/<case>
//	│  └─ object key     one per object, wrapped under the case key   in the object's envelope
//	├─ subject key   one per person and tenant                        key store, id subject/<subject>
//	└─ log key       one per tenant, month and retention class        key store, id log/<tenant>/<month>/<class>
//
// Everything is AES-256-GCM. An object's associated data is <case>|<object>|<kind>, so a ciphertext that was moved to
// another case, object or kind is refused. Keys for message authentication are derived from case and object keys by
// HKDF, never used for two purposes. No key is cached: once a key is deleted, nothing opens any more.
//
// # Versions of a tenant key
//
// The highest version wraps. Rotate makes the next one and puts every key of the tenant under it; from then on the key
// store refuses a key under an older version, so that Retire can destroy those without losing a key. Destroying a key for
// good takes both: its row goes, and with the old version every copy of the row (package erasure).
//
// # States of an object
//
//	        Store                     Project (an event refers to it)
//	absent ───────► pending ──────────────────────────────────────────► committed
//	                   │ 24 h without an event (Run)
//	                   └────────────────────────────► absent
//
// # Invariants
//
//   - Content is sealed before its first write; no column, file or log of the broker holds it in the clear.
//   - A repeated Store with the same id and body changes nothing; with another body it is a conflict.
//   - An event can commit only objects of its own case and operator; anything else is a conflict and nothing is recorded.
package vault
