package erasure

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/act"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// JournalFile is the name of the journal in its directory.
const JournalFile = "erasures.jsonl"

// entry is one erasure as the journal has it.
type entry struct {
	// Version is the version of the line's form.
	Version  int                  `json:"v"`
	ID       string               `json:"erasure_id"`
	Case     string               `json:"case_id"`
	Operator authority.OperatorID `json:"operator"`
	Tenant   authority.TenantID   `json:"tenant"`
	// Subjects are the people whom no other case names; their keys go too.
	Subjects []string    `json:"subjects"`
	Reason   act.Reason  `json:"reason"`
	Actor    actor.Actor `json:"actor"`
	At       time.Time   `json:"at"`
	// Done is true once every step was taken; such a line repeats the entry.
	Done bool `json:"done"`
}

// journal is a file of one JSON object a line, only ever appended to. It lies in no backup, so that no restore can
// bring back what was erased.
type journal struct{ dir string }

func (j journal) path() string { return filepath.Join(j.dir, JournalFile) }

// read lists the erasures in the order in which they began. A last line without its end was never acknowledged and does
// not count; any other line that does not read is a fault: a wrong journal could let the erased come back.
func (j journal) read() ([]entry, error) {
	const op = "read journal of erasures"
	raw, err := os.ReadFile(j.path())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	whole := raw[:bytes.LastIndexByte(raw, '\n')+1]
	var out []entry
	at := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(whole))
	lines.Buffer(nil, len(whole)+1)
	for n := 1; lines.Scan(); n++ {
		var e entry
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil || e.Version != 1 || e.ID == "" || e.Case == "" || e.Tenant == "" {
			return nil, contracts.Errorf(contracts.Internal, op, "line %d of %s does not read; mend it by hand, never leave it out", n, j.path())
		}
		i, known := at[e.ID]
		if !known {
			at[e.ID] = len(out)
			out = append(out, e)
			continue
		}
		out[i].Done = out[i].Done || e.Done
	}
	return out, nil
}

// find looks for the erasure of a case.
func (j journal) find(caseID string) (entry, bool, error) {
	all, err := j.read()
	if err != nil {
		return entry{}, false, err
	}
	for _, e := range all {
		if e.Case == caseID {
			return e, true, nil
		}
	}
	return entry{}, false, nil
}

// append writes one line and makes it durable. What an interrupted append left without an end is cut off first.
func (j journal) append(e entry) error {
	const op = "write journal of erasures"
	line, err := json.Marshal(e)
	if err != nil {
		return contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	f, err := os.OpenFile(j.path(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	err = writeLine(f, append(line, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	d, err := os.Open(j.dir)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	return nil
}

func writeLine(f *os.File, line []byte) error {
	raw, err := os.ReadFile(f.Name())
	if err != nil {
		return err
	}
	end := int64(bytes.LastIndexByte(raw, '\n') + 1)
	if err := f.Truncate(end); err != nil {
		return err
	}
	if _, err := f.WriteAt(line, end); err != nil {
		return err
	}
	return f.Sync()
}
