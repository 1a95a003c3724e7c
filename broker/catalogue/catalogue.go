package catalogue

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// Catalogue finds packages by service key and definitions by hash.
type Catalogue struct {
	db       *sqlstore.DB
	packages map[key.ServiceKey]service.Package
}

// New returns a catalogue that offers packages.
func New(db *sqlstore.DB, packages []service.Package) *Catalogue {
	c := &Catalogue{db: db, packages: map[key.ServiceKey]service.Package{}}
	for _, p := range packages {
		c.packages[p.Service] = p
	}
	return c
}

// Publish writes the definition of every offered package as an immutable row. A row that exists is left as it is; one
// with another document under the same hash is Internal.
func (c *Catalogue) Publish(ctx context.Context) error {
	return c.db.Write(ctx, func(tx *sqlstore.Tx) error {
		for _, p := range c.packages {
			if err := publish(ctx, tx, p); err != nil {
				return fmt.Errorf("publish process of service %s: %w", p.Service, err)
			}
		}
		return nil
	})
}

func publish(ctx context.Context, tx *sqlstore.Tx, p service.Package) error {
	if _, err := tx.Exec(ctx, `insert into definitions (hash, service, document, created_at) values ($1, $2, $3, $4)
		on conflict (hash) do nothing`, p.Definition, p.Service, p.Document, tx.Now()); err != nil {
		return err
	}
	var held []byte
	if err := tx.QueryRowContext(ctx, `select document from definitions where hash = $1`, p.Definition).Scan(&held); err != nil {
		return fmt.Errorf("read definition: %w", err)
	}
	if !bytes.Equal(held, p.Document) {
		return contracts.Errorf(contracts.Internal, "publish definition", "another document is published under the hash %s", p.Definition)
	}
	return nil
}

// Package is the package under which a case of the service is opened today: the exact key, else its object
// (features RT-04).
func (c *Catalogue) Package(k key.ServiceKey) (service.Package, bool) {
	if p, ok := c.packages[k]; ok {
		return p, true
	}
	p, ok := c.packages[k.Object()]
	return p, ok
}

// ByHash is the package that a case keeps the hash of. NotFound means that this program does not carry it.
func (c *Catalogue) ByHash(hash string) (service.Package, error) {
	for _, p := range c.packages {
		if p.Hash == hash {
			return p, nil
		}
	}
	return service.Package{}, contracts.Errorf(contracts.NotFound, "find package", "no package %s", hash)
}

// Hashes are the hashes of the definitions under which cases are opened today, sorted.
func (c *Catalogue) Hashes() []string {
	var out []string
	for _, p := range c.packages {
		out = append(out, p.Definition)
	}
	slices.Sort(out)
	return out
}

// OutcomeFacts are the facts that the service lets come with a task's outcome.
func (c *Catalogue) OutcomeFacts(k key.ServiceKey) map[string]fact.Declaration {
	return c.packages[k].OutcomeFacts
}

// Definition reads the resolved process with this hash. A missing one is NotFound: the case waits for a program that
// has published it.
func (c *Catalogue) Definition(ctx context.Context, hash string) ([]byte, error) {
	var document []byte
	err := c.db.Read().QueryRowContext(ctx, `select document from definitions where hash = $1`, hash).Scan(&document)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, contracts.Errorf(contracts.NotFound, "read definition", "no definition %s", hash)
	}
	if err != nil {
		return nil, fmt.Errorf("read definition: %w", err)
	}
	return document, nil
}
