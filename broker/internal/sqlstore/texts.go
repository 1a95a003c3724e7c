package sqlstore

import (
	"context"
	"errors"
)

// Texts reads the one column of a query; nil when there is no row.
func Texts[T ~string](ctx context.Context, q Querier, query string, args ...any) (out []T, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		out = append(out, T(text))
	}
	return out, rows.Err()
}
