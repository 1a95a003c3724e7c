package demo

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"github.com/efa-broker/efa-broker/contracts"
)

//go:embed register/*.json
var embedded embed.FS

// Identity is by what a trade office finds a business in its register: fields 1, 4, 5 and 8 of the form.
type Identity struct {
	RegisteredName string `json:"registered_name"`
	FamilyName     string `json:"family_name"`
	GivenNames     string `json:"given_names"`
	BirthDate      string `json:"birth_date"`
}

// Entry is one business in a trade office's register (Gewerberegister). It holds content and reaches no log.
type Entry struct {
	Identity
	// MainEstablishment is field 16; absent when the register has none.
	MainEstablishment json.RawMessage `json:"main_establishment,omitempty"`
	Activity          EntryActivity   `json:"activity"`
	// Establishment holds fields 23 and 24.
	Establishment json.RawMessage `json:"establishment"`
}

// EntryActivity is the activity as it was registered.
type EntryActivity struct {
	// Description is field 18, Sideline field 19, Kinds field 21, Workers field 22.
	Description string          `json:"description"`
	Sideline    bool            `json:"sideline"`
	Kinds       []string        `json:"kinds"`
	Workers     json.RawMessage `json:"workers"`
}

// LogValue hides the entry.
func (Entry) LogValue() slog.Value { return slog.StringValue("register entry") }

// Register reads the embedded entries, one for each example of the registration's service package.
func Register() ([]Entry, error) {
	const op = "read register"
	names, err := fs.Glob(embedded, "register/*.json")
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	var out []Entry
	for _, name := range names {
		raw, err := embedded.ReadFile(name)
		if err != nil {
			return nil, contracts.Errorf(contracts.Internal, op, "%w", err)
		}
		var e Entry
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, contracts.Errorf(contracts.Internal, op, "%w", fmt.Errorf("%s: %w", name, err))
		}
		out = append(out, e)
	}
	return out, nil
}

// find looks a business up. Names are compared without regard to case and repeated blanks, the date exactly.
func find(entries []Entry, who Identity) (Entry, bool) {
	for _, e := range entries {
		if e.normal() == who.normal() {
			return e, true
		}
	}
	return Entry{}, false
}

func (i Identity) normal() Identity {
	fold := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
	return Identity{fold(i.RegisteredName), fold(i.FamilyName), fold(i.GivenNames), i.BirthDate}
}
