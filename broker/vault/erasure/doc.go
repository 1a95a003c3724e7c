// Package erasure erases cases: a step machine of the vault, no workflow (DESIGN decision 6). It owns the journal of
// erasures and the tables erased_cases, case_holds and privileged_acts; it must not know what the content is.
//
// # Steps of an erasure, in this order
//
//	begun    the case is closed, its retention is over, nobody holds it: a line in the journal, durable, outside every
//	         backup. From here on the erasure happens, whatever breaks
//	event    de.efa.case.erased.v1 in the ledger; from here on nothing of the case is released
//	keys     the keys of the case, and of people whom no other case names, are deleted from the key store
//	rewrap   the tenant's remaining keys are put under a new version of the tenant key
//	backup   the key store is backed up anew
//	retire   the older versions of the tenant key are destroyed: with them every older copy of the key store is useless
//	done     a line in the journal
//
// One process at a time does so, by a lock beside the journal, which all replicas share. On PostgreSQL the backup of the
// key store is a SQLite file of the same tables.
//
// Each step can be repeated. Resume goes on where an interrupted erasure stopped, and applies the whole journal to what
// came back from a backup; it runs before anything is served.
//
// # Invariants
//
//   - After retire, nothing that existed before opens the content but the destroyed version of the tenant key.
//   - Receipts still verify and decision records stay readable: neither depends on a key of the case.
//   - No other key is lost: an old version is destroyed only when every key of the tenant was rewrapped and backed up.
//   - A case that is open, held, or within its retention is not erased.
//
// Every act here is privileged: it has an actor and a reason from a closed list (package act), and the body concerned
// sees it in the list of privileged acts.
package erasure
