package rows

import (
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// role is the one that sees every row behind the row-level security of the tables.
const role = "efa_ledger"

// openPostgres opens a PostgreSQL database; what the URL leaves out comes from PGPASSWORD, PGSSLROOTCERT and the like.
//
// The log-in has to be a member of efa_ledger. One that is not is refused: without the role the walls between viewers would
// show it an empty ledger, and an empty ledger breaks no rule.
func openPostgres(where string) (*DB, error) {
	cfg, err := pgx.ParseConfig(where)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err) // pgx hides the password
	}
	cfg.RuntimeParams["role"] = role
	cfg.RuntimeParams["timezone"] = "UTC"
	cfg.RuntimeParams["default_transaction_read_only"] = "on"
	return &DB{stdlib.OpenDB(*cfg), `select c.relname from pg_class c
		where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace order by c.relname`, sql.LevelRepeatableRead}, nil
}
