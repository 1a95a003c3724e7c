package catalogue

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/process"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// Catalogue finds packages by service key and definitions by hash.
type Catalogue struct {
	db       *sqlstore.DB
	packages map[key.ServiceKey]service.Package
	past     sync.Map // hash → service.Package or *process.Definition; rows are immutable
}

// New returns a catalogue that offers packages.
func New(db *sqlstore.DB, packages []service.Package) *Catalogue {
	c := &Catalogue{db: db, packages: map[key.ServiceKey]service.Package{}}
	for _, p := range packages {
		c.packages[p.Service] = p
	}
	return c
}

// Publish writes process and rules of every offered package as immutable rows by their hash. A row that exists is left as it is; one
// with another document under the same hash is Internal.
func (c *Catalogue) Publish(ctx context.Context) error {
	return c.db.Write(ctx, func(tx *sqlstore.Tx) error {
		for _, p := range c.packages {
			if err := publish(ctx, tx, p.Service, p.Definition, p.Document); err != nil {
				return fmt.Errorf("publish process of service %s: %w", p.Service, err)
			}
			if err := publish(ctx, tx, p.Service, p.Hash, p.Rules); err != nil {
				return fmt.Errorf("publish package of service %s: %w", p.Service, err)
			}
		}
		return nil
	})
}

func publish(ctx context.Context, tx *sqlstore.Tx, k key.ServiceKey, hash string, document []byte) error {
	if _, err := tx.Exec(ctx, `insert into definitions (hash, service, document, created_at) values ($1, $2, $3, $4)
		on conflict (hash) do nothing`, hash, k, document, tx.Now()); err != nil {
		return err
	}
	var held []byte
	if err := tx.QueryRowContext(ctx, `select document from definitions where hash = $1`, hash).Scan(&held); err != nil {
		return fmt.Errorf("read definition: %w", err)
	}
	if !bytes.Equal(held, document) {
		return contracts.Errorf(contracts.Internal, "publish definition", "another document is published under the hash %s", hash)
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

// ByHash is the package that a case keeps the hash of, in the version with which it was opened. NotFound means that
// nobody has published it here.
func (c *Catalogue) ByHash(ctx context.Context, hash string) (service.Package, error) {
	return once(ctx, c, hash, service.Open)
}

// Deadline is the law record with this id that a process definition carries: procedure follows the law of the day of
// receipt, and a later record changes no running case.
func (c *Catalogue) Deadline(ctx context.Context, definition, id string) (law.DeadlineRecord, error) {
	d, err := once(ctx, c, definition, process.Open)
	if err != nil {
		return law.DeadlineRecord{}, err
	}
	record, ok := d.Deadline(id)
	if !ok {
		return law.DeadlineRecord{}, contracts.Errorf(contracts.NotFound, "find deadline", "definition %s has no record %q", definition, id)
	}
	return record, nil
}

// once reads the row with this hash and opens it; what was opened before is kept.
func once[T any](ctx context.Context, c *Catalogue, hash string, open func([]byte) (T, error)) (T, error) {
	if held, ok := c.past.Load(hash); ok {
		if v, ok := held.(T); ok {
			return v, nil
		}
	}
	var zero T
	document, err := c.Definition(ctx, hash)
	if err != nil {
		return zero, err
	}
	v, err := open(document)
	if err != nil {
		return zero, fmt.Errorf("open definition %s: %w", hash, err)
	}
	c.past.Store(hash, v)
	return v, nil
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

// OutcomeFacts are the facts that the package with this hash lets come with a task's outcome.
func (c *Catalogue) OutcomeFacts(ctx context.Context, hash string) (map[string]fact.Declaration, error) {
	p, err := c.ByHash(ctx, hash)
	return p.OutcomeFacts, err
}

// Definition reads the row with this hash, a resolved process or the rules of a package. A missing one is NotFound: the
// case waits for a program that has published it.
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
