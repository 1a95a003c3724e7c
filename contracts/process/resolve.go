package process

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// document is a definition with everything that its meaning depends on. Its canonical JSON is what a case keeps for life:
// a record of law that changes later does not change a case that runs (DESIGN law 7, decision 8).
type document struct {
	Engine  int         `json:"engine"`
	Process *Definition `json:"process"`
	// Facts are the declarations of the facts that conditions and outcomes of the process use.
	Facts     map[string]fact.Declaration `json:"facts"`
	Deadlines []law.DeadlineRecord        `json:"deadlines"`
}

// Resolve loads src and returns its resolved document with the document's SHA-256 in hex. Two sources that differ only in
// layout and comments resolve to the same document. Errors are those of Load.
func Resolve(src []byte, env Env) (doc []byte, hash string, err error) {
	d, err := Load(src, env)
	if err != nil {
		return nil, "", err
	}
	content := document{Engine: Engine, Process: d, Facts: d.usedFacts()}
	for _, id := range slices.Sorted(maps.Keys(d.deadlines)) {
		content.Deadlines = append(content.Deadlines, d.deadlines[id])
	}
	doc, err = canonical(content)
	if err != nil {
		return nil, "", contracts.Errorf(contracts.Internal, "resolve process", "%s: %w", d.Process, err)
	}
	return doc, digest(doc), nil
}

// Open reads a resolved document back and checks it again, so that a row that was tampered with is found. It returns
// Unsupported for a document of another engine, else Invalid.
func Open(doc []byte) (*Definition, error) {
	const op = "open process"
	var version struct {
		Engine int `json:"engine"`
	}
	if err := json.Unmarshal(doc, &version); err != nil {
		return nil, contracts.Errorf(contracts.Invalid, op, "no JSON document: %w", err)
	}
	if version.Engine != Engine {
		return nil, contracts.Errorf(contracts.Unsupported, op, "engine %d, this broker reads %d", version.Engine, Engine)
	}
	var content document
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&content); err != nil {
		return nil, contracts.Errorf(contracts.Invalid, op, "no resolved document: %w", err)
	}
	d := content.Process
	if d == nil || len(d.Steps) == 0 || len(d.Steps) > MaxSteps {
		return nil, contracts.Errorf(contracts.Invalid, op, "no resolved document: want 1 to %d steps", MaxSteps)
	}
	for _, s := range d.Steps {
		if s.kinds() != 1 {
			return nil, contracts.Errorf(contracts.Invalid, op, "no resolved document: a step must be of one kind")
		}
	}
	if problems := d.check(content.env()); len(problems) > 0 {
		return nil, invalid(op, problems)
	}
	d.hash = digest(doc)
	return d, nil
}

// env closes the world over what the document itself holds: names were checked against the service package and the law
// when it was resolved.
func (c document) env() Env {
	env := Env{Facts: c.Facts}
	for _, s := range c.Process.Steps {
		if s.Task != nil {
			env.Roles = append(env.Roles, s.Task.Role)
			env.Purposes = append(env.Purposes, s.Task.Purpose)
		}
		if s.With != nil {
			env.Purposes = append(env.Purposes, s.With.Purposes...)
		}
	}
	env.Deadline = func(id string) (law.DeadlineRecord, error) {
		for _, r := range c.Deadlines {
			if r.ID == id {
				return r, nil
			}
		}
		return law.DeadlineRecord{}, errors.New("not in the document")
	}
	return env
}

// usedFacts are the declared facts without those that are sensitive: conditions and outcomes cannot use them.
func (d *Definition) usedFacts() map[string]fact.Declaration {
	used := map[string]fact.Declaration{}
	for name, decl := range d.facts {
		if !decl.Sensitive {
			used[name] = decl
		}
	}
	return used
}

// canonical writes v as JSON with sorted keys, no white space and no escaped HTML.
func canonical(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("sort keys: %w", err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(tree); err != nil {
		return nil, fmt.Errorf("encode sorted: %w", err)
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}

func digest(doc []byte) string {
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:])
}
