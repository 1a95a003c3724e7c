package identity

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
)

// KeySet verifies the signature of a token. The embedded provider is one; go-oidc's remote key set is the other.
type KeySet interface {
	VerifySignature(ctx context.Context, jwt string) (payload []byte, err error)
}

// Config is what the directory needs.
type Config struct {
	// DB is the ledger database. Required.
	DB *sqlstore.DB
	// Issuer is the issuer that tokens must name, exactly. Required.
	Issuer string
	// Audience must be among the token's audiences. Required: an issuer without audience lets tokens for others in.
	Audience string
	// Keys verifies signatures in process. Set this or JWKSURL.
	Keys KeySet
	// JWKSURL is where the provider publishes its keys; they are kept and fetched again when a token names a new one.
	JWKSURL string
	// Algorithms are the accepted signature algorithms. Defaults to ES256.
	Algorithms []string
	// Now is the clock for the expiry of tokens. Defaults to time.Now.
	Now func() time.Time
}

// keysTimeout bounds the fetching of the provider's keys.
const keysTimeout = 5 * time.Second

var errConfig = errors.New("want database, issuer, audience, and either keys or a JWKS URL")

// Directory knows the principals and recognises them by their tokens.
type Directory struct {
	db       *sqlstore.DB
	issuer   string
	keys     KeySet
	verifier oidc.Config
	verified *verified
}

// New returns a directory. It returns Invalid for an incomplete config, an issuer without audience above all.
func New(ctx context.Context, cfg Config) (*Directory, error) {
	if cfg.DB == nil || cfg.Issuer == "" || cfg.Audience == "" || (cfg.Keys == nil) == (cfg.JWKSURL == "") {
		return nil, contracts.Errorf(contracts.Invalid, "configure identity", "%w", errConfig)
	}
	if cfg.Algorithms == nil {
		cfg.Algorithms = []string{oidc.ES256}
	}
	if cfg.Keys == nil {
		cfg.Keys = oidc.NewRemoteKeySet(oidc.ClientContext(ctx, &http.Client{Timeout: keysTimeout}), cfg.JWKSURL)
	}
	remembered, err := newVerified(cfg.Now)
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, "configure identity", "%w", err)
	}
	return &Directory{
		db: cfg.DB, issuer: cfg.Issuer, keys: cfg.Keys, verified: remembered,
		verifier: oidc.Config{ClientID: cfg.Audience, SupportedSigningAlgs: cfg.Algorithms, Now: cfg.Now},
	}, nil
}

// Authenticate verifies an access token and returns the viewer of its principal's row. It returns Unauthenticated for a
// token that does not count or a principal that is unknown or revoked, Unavailable when keys or database are out of
// reach. The cause never holds the token or its claims.
func (d *Directory) Authenticate(ctx context.Context, bearer string) (actor.Viewer, error) {
	named, known := d.verified.find(bearer)
	if !known {
		var err error
		if named, err = d.verify(ctx, bearer); err != nil {
			return actor.Viewer{}, err
		}
	}
	v, err := d.viewer(ctx, named.id, named.kind)
	if err != nil {
		return actor.Viewer{}, err
	}
	v.Assurance = named.assurance
	return v, nil
}

// Machine returns the viewer of a machine client's row, for whoever has recognised it by another proof than a token. It
// returns Unauthenticated for a client that is unknown, a person or revoked, Unavailable when the database is out of reach.
func (d *Directory) Machine(ctx context.Context, id string) (actor.Viewer, error) {
	return d.viewer(ctx, id, Machine)
}

func (d *Directory) viewer(ctx context.Context, id string, as Kind) (actor.Viewer, error) {
	var kind string
	var revoked sql.NullTime
	v := actor.Viewer{Actor: actor.Actor{ID: id}}
	err := d.db.Read().QueryRowContext(ctx, `select kind, operator, tenant, authority, role, revoked from principals where id = $1`, id).
		Scan(&kind, (*string)(&v.Operator), (*string)(&v.Tenant), (*string)(&v.Authority), (*string)(&v.Role), &revoked)
	if err := rowError("authenticate", err, contracts.Unauthenticated); err != nil {
		return actor.Viewer{}, err
	}
	switch {
	case Kind(kind) != as:
		return actor.Viewer{}, contracts.Errorf(contracts.Unauthenticated, "authenticate", "the principal is of another kind than the proof")
	case revoked.Valid:
		return actor.Viewer{}, contracts.Errorf(contracts.Unauthenticated, "authenticate", "the principal is revoked")
	}
	return v, nil
}

// rowError gives the error of reading one row its kind; absent is the kind of no row.
func rowError(op string, err error, absent contracts.Kind) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return contracts.Errorf(absent, op, "no such principal")
	default:
		return contracts.Errorf(contracts.Unavailable, op, "read principal: %w", err)
	}
}
