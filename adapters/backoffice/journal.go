package backoffice

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/efa-broker/efa-broker/contracts"
)

// Kept is how many delivery ids a journal remembers for telling repeats. It must exceed the number of items that the
// broker may send again after a restore.
const Kept = 10_000

// Journal remembers how far a back office has read its inbox. It must survive the process.
type Journal interface {
	// Load returns the cursor behind which to read, and the deliveries handled last, at most Kept, oldest first.
	Load() (cursor string, done []string, err error)
	// Record notes, durably, that delivery was handled and that reading goes on behind cursor. An empty delivery moves
	// the cursor only.
	Record(cursor, delivery string) error
}

// entry is one line of the file.
type entry struct {
	Cursor   string `json:"cursor"`
	Delivery string `json:"delivery,omitempty"`
}

// FileJournal is a Journal in one file of JSON lines: each Record appends one and waits for the disk. A last line that a
// crash cut off is dropped; Load rewrites a file that has grown to twice what it must remember.
type FileJournal struct {
	path string
	mu   sync.Mutex
}

// NewFileJournal keeps the journal in the file path, whose directory must exist.
func NewFileJournal(path string) *FileJournal { return &FileJournal{path: path} }

// Load reads the file; a missing one is an empty journal.
func (j *FileJournal) Load() (string, []string, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	raw, err := os.ReadFile(j.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", nil, contracts.Errorf(contracts.Internal, "load inbox journal", "%w", err)
	}
	entries, whole := parse(raw)
	if len(entries) >= 2*Kept || whole < len(raw) {
		if err := j.rewrite(entries[max(0, len(entries)-Kept):]); err != nil {
			return "", nil, err
		}
	}
	var cursor string
	var done []string
	for _, e := range entries {
		cursor = e.Cursor
		if e.Delivery != "" {
			done = append(done, e.Delivery)
		}
	}
	return cursor, done[max(0, len(done)-Kept):], nil
}

// parse returns the whole lines of raw and how many bytes they take.
func parse(raw []byte) (entries []entry, whole int) {
	for line := range bytes.Lines(raw) {
		var e entry
		if !bytes.HasSuffix(line, []byte("\n")) || json.Unmarshal(line, &e) != nil {
			break
		}
		entries = append(entries, e)
		whole += len(line)
	}
	return entries, whole
}

// Record appends one line.
func (j *FileJournal) Record(cursor, delivery string) (err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f, err := os.OpenFile(j.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return contracts.Errorf(contracts.Internal, "record in inbox journal", "%w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := json.NewEncoder(f).Encode(entry{cursor, delivery}); err != nil {
		return contracts.Errorf(contracts.Internal, "record in inbox journal", "%w", err)
	}
	return f.Sync()
}

// rewrite replaces the file by one that holds entries, so that a crash leaves the old or the new one.
func (j *FileJournal) rewrite(entries []entry) error {
	const op = "rewrite inbox journal"
	f, err := os.CreateTemp(filepath.Dir(j.path), filepath.Base(j.path)+".*")
	if err != nil {
		return contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	for _, e := range entries {
		if err = enc.Encode(e); err != nil {
			break
		}
	}
	err = errors.Join(err, w.Flush(), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), j.path)
	}
	if err != nil {
		return contracts.Errorf(contracts.Internal, op, "%w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
