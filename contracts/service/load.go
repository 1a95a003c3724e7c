package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/process"
	"github.com/efa-broker/efa-broker/contracts/services"
)

// languages are the languages in which a package has texts.
func languages() []string { return []string{"de", "en"} }

// Load reads and checks the embedded service packages, ascending by service key. It is called once, at start. An error
// is Internal: the product was built with a package that contradicts itself or the law.
func Load() ([]Package, error) {
	book, err := law.Load()
	if err != nil {
		return nil, err
	}
	return LoadFrom(offered(services.Files), book)
}

// LoadFrom reads the packages that stand in the folders of files; each refers to the law of book.
func LoadFrom(files fs.FS, book law.Book) ([]Package, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, "load service packages", "%w", err)
	}
	var out []Package
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		folder, err := fs.Sub(files, e.Name())
		if err != nil {
			return nil, contracts.Errorf(contracts.Internal, "load service packages", "%s: %w", e.Name(), err)
		}
		p, err := load(folder, e.Name(), book)
		if err != nil {
			return nil, contracts.Errorf(contracts.Internal, "load service packages", "%s: %w", e.Name(), err)
		}
		out = append(out, p)
	}
	return out, nil
}

// load reads one package.
func load(folder fs.FS, name string, book law.Book) (Package, error) {
	files, err := read(folder)
	if err != nil {
		return Package{}, err
	}
	p, err := open(files)
	if err != nil {
		return Package{}, err
	}
	if slug(p.Service) != name {
		return Package{}, fmt.Errorf("service.yaml: service: the folder of %s is called %s", p.Service, slug(p.Service))
	}
	p.Examples = examples(files)
	if p.schema, err = compile(p.Schema); err != nil {
		return Package{}, fmt.Errorf("application.schema.json: %w", err)
	}
	if err := p.checkRules(); err != nil {
		return Package{}, err
	}
	if err := p.readTexts(files); err != nil {
		return Package{}, err
	}
	p.Document, p.Definition, err = process.Resolve(p.Process, p.env(book))
	return p, err
}

// entry turns the manifest into the package's own part.
func (m manifest) entry() Package {
	p := Package{
		Service: m.Service, Form: m.Form, Procedure: m.Procedure, ValidFrom: m.ValidFrom, OpenedBy: m.OpenedBy, Retention: m.Retention,
		Facts: m.Facts, OutcomeFacts: m.OutcomeFacts, Kinds: map[authority.Role]authority.Kind{},
		Name: map[string]string{}, Texts: map[string]Texts{},
		derive: m.Derive, place: m.Place, regions: m.Regions, subjects: m.Subjects,
	}
	for _, r := range m.Roles {
		p.Roles = append(p.Roles, r.Role)
		p.Kinds[r.Role] = r.Kind
	}
	return p
}

// checkRules checks what service.yaml says about the application.
func (p Package) checkRules() error {
	var errs []error
	for i, d := range p.derive {
		if err := d.check(p.form.root, p.Facts); err != nil {
			errs = append(errs, fmt.Errorf("service.yaml: derive/%d: %w", i, err))
		}
	}
	if err := (regionRule{Pointer: p.place}).check(p.form.root); err != nil {
		errs = append(errs, fmt.Errorf("service.yaml: place: %w", err))
	}
	for i, r := range p.regions {
		if err := r.check(p.form.root); err != nil {
			errs = append(errs, fmt.Errorf("service.yaml: regions/%d: %w", i, err))
		}
	}
	for i, s := range p.subjects {
		if err := s.check(p.form.root); err != nil {
			errs = append(errs, fmt.Errorf("service.yaml: subjects/%d: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// readTexts reads the texts of every language, strictly.
func (p Package) readTexts(files map[string][]byte) error {
	for _, lang := range languages() {
		file := "texts." + lang + ".json"
		dec := json.NewDecoder(bytes.NewReader(files[file]))
		dec.DisallowUnknownFields()
		var t Texts
		if err := dec.Decode(&t); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, id := range p.AllFields() {
			if t.Fields[id] == "" {
				return fmt.Errorf("%s: field %s has no label", file, id)
			}
		}
		if t.Title == "" || t.Summary == "" || len(t.Fields) != len(p.form.groups) {
			return fmt.Errorf("%s: want title, summary and labels of exactly the fields of the form", file)
		}
		p.Texts[lang], p.Name[lang] = t, t.Title
	}
	return nil
}

// env is what the process may refer to: this package and the law of the day from which it applies.
func (p Package) env(book law.Book) process.Env {
	facts := map[string]fact.Declaration{}
	maps.Copy(facts, p.Facts)
	maps.Copy(facts, p.OutcomeFacts)
	var purposes []string
	for _, row := range book.AllRows() {
		purposes = append(purposes, row.Purposes...)
	}
	slices.Sort(purposes)
	day, _ := time.Parse(time.DateOnly, p.ValidFrom) // checked with the manifest
	return process.Env{
		Facts: facts, Roles: p.Roles, Purposes: slices.Compact(purposes),
		Deadline: func(id string) (law.DeadlineRecord, error) { return book.Deadline(id, day) },
	}
}

// read reads every file of a package and demands those without which it is none.
func read(folder fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(folder, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files[name], err = fs.ReadFile(folder, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"service.yaml", "process.yaml", "application.schema.json", "texts.de.json", "texts.en.json"} {
		if len(files[name]) == 0 {
			return nil, fmt.Errorf("%s is missing", name)
		}
	}
	return files, nil
}

func examples(files map[string][]byte) map[string][]byte {
	out := map[string][]byte{}
	for name, raw := range files {
		if path.Dir(name) == "examples" {
			out[strings.TrimPrefix(name, "examples/")] = raw
		}
	}
	return out
}
