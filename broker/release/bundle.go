package release

import (
	"bytes"
	"context"
	"database/sql"
	"errors"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
)

// Bundles keeps the policy bundles on which decisions were taken. It stands apart from Release because the policy engine
// needs it, and Release needs the engine.
type Bundles struct{ db *sqlstore.DB }

// NewBundles returns the bundles of the ledger database.
func NewBundles(db *sqlstore.DB) Bundles { return Bundles{db: db} }

// RememberBundle keeps a policy bundle under its revision, so that every decision taken on it can be replayed. It is
// called before the first decision on that revision. The same bundle again changes nothing; another one under the same
// revision is a Conflict.
func (b Bundles) RememberBundle(ctx context.Context, revision string, bundle []byte) error {
	const op = "remember policy bundle"
	if err := b.db.Write(ctx, func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(ctx, `insert into policy_bundles (revision, document, created_at) values ($1, $2, $3) on conflict (revision) do nothing`,
			revision, bundle, tx.Now())
		return err
	}); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	kept, err := b.Bundle(ctx, revision)
	if err != nil {
		return err
	}
	if !bytes.Equal(kept, bundle) {
		return contracts.Errorf(contracts.Conflict, op, "revision %s is another bundle", revision)
	}
	return nil
}

// Bundle returns the policy bundle of a revision; NotFound when no decision was ever taken on it.
func (b Bundles) Bundle(ctx context.Context, revision string) ([]byte, error) {
	const op = "find policy bundle"
	var bundle []byte
	err := b.db.Read().QueryRowContext(ctx, `select document from policy_bundles where revision = $1`, revision).Scan(&bundle)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, &contracts.Error{Kind: contracts.NotFound, Op: op, Subject: revision}
	}
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	return bundle, nil
}
