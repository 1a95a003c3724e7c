package rows

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Texts hands over every value of every table, with the name of its column.
func (d *DB) Texts(ctx context.Context, see func(column string, value []byte)) error {
	names, err := d.names(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := d.texts(ctx, name, see); err != nil {
			return fmt.Errorf("read table %s: %w", name, err)
		}
	}
	return nil
}

func (d *DB) names(ctx context.Context) (out []string, err error) {
	found, err := d.db.QueryContext(ctx, d.tables)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		var name string
		if err := found.Scan(&name); err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		out = append(out, name)
	}
	return out, found.Err()
}

func (d *DB) texts(ctx context.Context, name string, see func(column string, value []byte)) (err error) {
	found, err := d.db.QueryContext(ctx, `select * from "`+name+`"`) //nolint:gosec // a name that the database itself has given
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	columns, err := found.Columns()
	if err != nil {
		return err
	}
	values := make([]sql.RawBytes, len(columns))
	dest := make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	for found.Next() {
		if err := found.Scan(dest...); err != nil {
			return err
		}
		for i, v := range values {
			see(name+"."+columns[i], v)
		}
	}
	return found.Err()
}
