package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"github.com/efa-broker/efa-broker/contracts"
)

// tree is one numbered row of migrations that this program brought to its end when it opened the database.
type tree struct {
	// name is that of table schema_compatibility: "tables" or "policies".
	name string
	// book is the table that remembers what was applied.
	book string
	// known is the newest migration that this program was built with.
	known int64
}

// Names of the trees, and the tables that remember what was applied of them.
const (
	tables       = "tables"
	policies     = "policies"
	tablesBook   = "goose_db_version"
	policiesBook = "goose_db_version_postgres"
)

// Version is the newest migration of the ledger's tables that this program was built with.
func Version() int64 {
	names, err := fs.Glob(Migrations(), "*.sql") // ascending
	if err == nil && len(names) > 0 {
		var version int64
		if version, err = goose.NumericComponent(names[len(names)-1]); err == nil {
			return version
		}
	}
	panic(fmt.Sprintf("embedded migrations %q: %v", names, err))
}

func newest(p *goose.Provider) int64 {
	sources := p.ListSources()
	if len(sources) == 0 {
		return 0
	}
	return sources[len(sources)-1].Version
}

var errNewer = errors.New("a newer program has migrated the database, and this one is too old to run on it")

// compatible refuses a database that was migrated beyond what this program knows, unless every one of those migrations says
// that it may still run (expand, migrate, contract). What a migration does not say is no permission.
func (t tree) compatible(ctx context.Context, q Querier) error {
	const op = "compare versions"
	var held int64
	if err := q.QueryRowContext(ctx, `select coalesce(max(version_id), 0) from `+t.book).Scan(&held); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	if held <= t.known {
		return nil
	}
	var silent, oldest int64
	err := q.QueryRowContext(ctx, `select count(*) - count(c.version), coalesce(max(c.oldest), 0) from `+t.book+` b
		left join schema_compatibility c on c.tree = $1 and c.version = b.version_id where b.version_id > $2`, t.name, t.known).Scan(&silent, &oldest)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	if silent == 0 && oldest <= t.known {
		return nil
	}
	wanted := fmt.Sprintf("a program that knows version %d or later", oldest)
	if silent > 0 {
		wanted = fmt.Sprintf("a program that knows version %d", held)
	}
	return contracts.Errorf(contracts.Unavailable, op, "%w: its %s are at version %d, this program knows %d; start %s", errNewer, t.name, held, t.known, wanted)
}

// Compatible refuses, as Open does, when the database was meanwhile migrated so far that this program may not run on it.
func (d *DB) Compatible(ctx context.Context) error {
	for _, t := range d.trees {
		if err := t.compatible(ctx, d.read); err != nil {
			return err
		}
	}
	return nil
}
