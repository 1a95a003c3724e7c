// Package engine is the seam between the ledger and the process engine (DESIGN laws 2 and 3): what the ledger hands
// over, what the engine asks for, and under which key the ledger keeps each result so that a rebuilt workflow repeats
// no effect. Everything here is closed, typed and free of content, because it ends up in workflow histories.
package engine
