package service

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/key"
)

// rules is the part of a package by which cases live: a later version of the product keeps it as an immutable row, so
// that a case can be continued and its content filtered as on its first day. Texts and examples are not part of it.
type rules struct {
	Format   string `json:"format"`
	Manifest string `json:"manifest"`
	Schema   string `json:"schema"`
	Process  string `json:"process"`
}

// rulesFormat is the version of that document.
const rulesFormat = "efa-package/1"

// rulesOf makes the document and its SHA-256 in hex.
func rulesOf(files map[string][]byte) (document []byte, hash string, err error) {
	document, err = json.Marshal(rules{
		Format: rulesFormat, Manifest: string(files["service.yaml"]), Schema: string(files["application.schema.json"]), Process: string(files["process.yaml"]),
	})
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(document)
	return document, hex.EncodeToString(sum[:]), nil
}

// Open reads a package back from its Rules: everything but the process definition, texts and examples. An error is
// Internal: such a row was written by a version of the product that this one cannot follow.
func Open(document []byte) (Package, error) {
	const op = "open service package"
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.DisallowUnknownFields()
	var r rules
	if err := dec.Decode(&r); err != nil || r.Format != rulesFormat {
		return Package{}, contracts.Errorf(contracts.Internal, op, "the document is no %s", rulesFormat)
	}
	files := map[string][]byte{
		"service.yaml": []byte(r.Manifest), "application.schema.json": []byte(r.Schema), "process.yaml": []byte(r.Process),
	}
	p, err := open(files)
	if err != nil {
		return Package{}, contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	return p, nil
}

// open reads what the rules say.
func open(files map[string][]byte) (Package, error) {
	m, err := readManifest(files["service.yaml"])
	if err != nil {
		return Package{}, err
	}
	if err := m.check(); err != nil {
		return Package{}, err
	}
	p := m.entry()
	p.Schema, p.Process = files["application.schema.json"], files["process.yaml"]
	if p.Rules, p.Hash, err = rulesOf(files); err != nil {
		return Package{}, err
	}
	if p.form, err = readForm(m.Form, p.Schema); err != nil {
		return Package{}, err
	}
	return p, nil
}

// slug is the folder name of a service: its key, with a hyphen for the colon of a local key.
func slug(k key.ServiceKey) string { return strings.ReplaceAll(string(k), ":", "-") }
