package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"

	"github.com/efa-broker/efa-broker/broker/identity"
	"github.com/efa-broker/efa-broker/broker/internal/openid"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// caseworkClient is the public client through which case workers log in. It gets its pages with a later part of the
// product; until then it hands out person tokens for the API.
const caseworkClient = "casework"

// registerClients makes the keys of the machine clients and lists every client of the provider. Case workers are led back
// to any of apis.
func registerClients(dir string, principals []identity.Principal, apis ...string) ([]openid.Client, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory of client keys: %w", err)
	}
	casework := openid.Client{ID: caseworkClient, Scopes: []string{"openid"}}
	for _, api := range apis {
		casework.RedirectURIs = append(casework.RedirectURIs, api+"/casework/callback")
	}
	clients := []openid.Client{casework}
	for _, p := range principals {
		if p.Kind != identity.Machine {
			continue
		}
		public, err := openid.EnsureClientKey(dir, p.ID)
		if err != nil {
			return nil, fmt.Errorf("key of client %s: %w", p.ID, err)
		}
		clients = append(clients, openid.Client{ID: p.ID, Key: public})
	}
	return clients, nil
}

// person is a case worker of the demo who can log in.
type person struct {
	ID        string             `json:"id"`
	Name      string             `json:"name"`
	Tenant    authority.TenantID `json:"tenant"`
	Authority authority.ID       `json:"authority"`
	Password  string             `json:"password"`
	Hash      string             `json:"password_hash"`
}

// ensurePeople reads the demo's case workers, and makes them with random passwords when there are none.
func ensurePeople(path string) ([]person, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the operator configures the data directory
	if errors.Is(err, fs.ErrNotExist) {
		return createPeople(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read people: %w", err)
	}
	var people []person
	if err := json.Unmarshal(raw, &people); err != nil {
		return nil, fmt.Errorf("read people: %w", err)
	}
	return people, nil
}

func createPeople(path string) ([]person, error) {
	people := []person{
		{ID: "worker-muenchen", Name: "Sachbearbeitung München", Tenant: "muenchen", Authority: "gewerbeamt-muenchen"},
		{ID: "worker-nuernberg", Name: "Sachbearbeitung Nürnberg", Tenant: "nuernberg", Authority: "gewerbeamt-nuernberg"},
	}
	for i := range people {
		people[i].Password = rand.Text()
		var err error
		if people[i].Hash, err = openid.HashPassword(people[i].Password); err != nil {
			return nil, fmt.Errorf("hash password: %w", err)
		}
	}
	raw, err := json.MarshalIndent(people, "", "  ") //nolint:gosec // the demo's own passwords, for a file with mode 0600
	if err != nil {
		return nil, fmt.Errorf("encode people: %w", err)
	}
	return people, writeFile(path, raw)
}

func peopleAsPrincipals(people []person) []identity.Principal {
	out := make([]identity.Principal, len(people))
	for i, p := range people {
		out[i] = identity.Principal{ID: p.ID, Kind: identity.Person, Role: actor.CaseWorker, Operator: operator, Tenant: p.Tenant, Authority: p.Authority}
	}
	return out
}

func asOpenID(people []person) []openid.Person {
	out := make([]openid.Person, len(people))
	for i, p := range people {
		out[i] = openid.Person{ID: p.ID, Name: p.Name, PasswordHash: p.Hash}
	}
	return out
}

// endpoint is what endpoint.json says.
type endpoint struct {
	API      string `json:"api"`
	Issuer   string `json:"issuer"`
	Kafka    string `json:"kafka"`
	Temporal string `json:"temporal"`
	PID      int    `json:"pid"`
}

// writeEndpoint tells clients on this machine where the broker listens, until it stops.
func (p *program) writeEndpoint() error {
	raw, err := json.Marshal(endpoint{p.api, p.issuer, p.kafkaAddr, p.temporalAddr, os.Getpid()})
	if err != nil {
		return fmt.Errorf("encode endpoint: %w", err)
	}
	path := p.dir("endpoint.json")
	if err := writeFile(path, raw); err != nil {
		return err
	}
	p.defers(removeFile(path))
	return nil
}

// writeFile writes a file whole or not at all, mode 0600.
func writeFile(path string, raw []byte) error {
	next := path + ".new"
	if err := os.WriteFile(next, append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// chosenOffices lists the authorities whose back offices this process plays.
func chosenOffices(authorities []authority.Authority, which string) []authority.Authority {
	switch which {
	case "all":
		return authorities
	case "recipients":
		return slices.DeleteFunc(slices.Clone(authorities), func(a authority.Authority) bool { return a.Kind == "trade_office" })
	}
	return nil
}
