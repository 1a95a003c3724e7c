package datadir

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/efa-broker/efa-broker/contracts"
)

// Dir is a data directory.
type Dir string

// Ledger is the file of the ledger database.
func (d Dir) Ledger() string { return d.join("ledger.db") }

// ReceiptKey is the file of the key that signs receipts.
func (d Dir) ReceiptKey() string { return d.join("receipt.key") }

// Keystore is the directory of the key store.
func (d Dir) Keystore() string { return d.join("keystore") }

// EventLog is the directory of the embedded event log.
func (d Dir) EventLog() string { return d.join("kafka") }

// Engine is the directory of the embedded process engine.
func (d Dir) Engine() string { return d.join("temporal") }

// Restoring is the file that exists while a restore is not whole.
func (d Dir) Restoring() string { return d.join("restoring") }

// Lock takes the directory for this process; Close gives it back, and so does the kernel when the process ends. A
// directory that another process has is a Conflict.
func (d Dir) Lock() (io.Closer, error) {
	f, err := Lock(d.join("lock"))
	if err != nil && contracts.KindOf(err) == contracts.Conflict {
		return nil, contracts.Errorf(contracts.Conflict, "lock data directory", "%s is in use by a running broker or restore: %w", string(d), err)
	}
	return f, err
}

// join is a place in the directory.
func (d Dir) join(name string) string { return filepath.Join(string(d), name) }

// Whole refuses a directory on which a restore was interrupted.
func (d Dir) Whole() error {
	_, err := os.Stat(d.Restoring())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, "open data directory", "%w", err)
	}
	return contracts.Errorf(contracts.Conflict, "open data directory", "a restore of %s was interrupted; run it again", string(d))
}
