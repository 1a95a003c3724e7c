package openid

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Provider is the embedded OpenID provider.
type Provider struct {
	issuer  string
	path    string
	clients map[string]Client
	people  map[string]Person
	logger  *slog.Logger
	now     func() time.Time
	key     jose.JSONWebKey
	signer  signer
	logins  *expiring[authorization]
	codes   *expiring[grant]
	used    *usedAssertions
	lock    io.Closer
	hashing chan struct{}
}

// New checks the config, takes the directory, reads or makes the signing key and shows a banner. It returns
// ErrPublicIssuer for an issuer that is not loopback unless that is allowed, and Conflict when another process has the
// directory. The caller closes the provider.
func New(cfg Config) (*Provider, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	p, err := newProvider(cfg)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	p.lock = lock
	return p, nil
}

func newProvider(cfg Config) (*Provider, error) {
	key, err := ensureSigningKey(filepath.Join(cfg.Dir, "signing.json"))
	if err != nil {
		return nil, err
	}
	s, err := newSigner(key)
	if err != nil {
		return nil, err
	}
	used, err := openUsedAssertions(filepath.Join(cfg.Dir, "assertions.jsonl"), cfg.Now())
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(cfg.Issuer)
	if err != nil {
		return nil, errors.Join(ErrIssuer, err, used.close())
	}
	p := &Provider{
		issuer: cfg.Issuer, path: u.Path, clients: map[string]Client{}, people: map[string]Person{},
		logger: cfg.Logger, now: cfg.Now, key: key, signer: s,
		logins: newExpiring[authorization](maxLogins, loginLifetime), codes: newExpiring[grant](maxCodes, codeLifetime),
		used: used, hashing: make(chan struct{}, maxHashing),
	}
	for _, c := range cfg.Clients {
		c.RedirectURIs, c.Scopes = slices.Clone(c.RedirectURIs), slices.Clone(c.Scopes)
		p.clients[c.ID] = c
	}
	for _, person := range cfg.People {
		p.people[person.ID] = person
	}
	p.logger.Warn("EMBEDDED OPENID PROVIDER: for trying out and small sites only; production points the same code at Keycloak",
		"issuer", cfg.Issuer, "clients", len(p.clients), "people", len(p.people), "public_issuer_allowed", cfg.AllowPublicIssuer)
	return p, nil
}

// Close releases the file of used assertions and gives the directory back. A second call does nothing.
func (p *Provider) Close() error {
	err := p.used.close()
	if p.lock != nil {
		err = errors.Join(err, p.lock.Close())
		p.lock = nil
	}
	return err
}

// Issuer is the issuer URL.
func (p *Provider) Issuer() string { return p.issuer }

// Pattern is the pattern of http.ServeMux below which Handler answers ("/oidc/").
func (p *Provider) Pattern() string { return p.path + "/" }

// Handler serves the provider's routes, each below the path of the issuer.
func (p *Provider) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+p.path+"/.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET "+p.path+"/jwks", p.jwks)
	mux.HandleFunc("GET "+p.path+"/authorize", p.authorize)
	mux.HandleFunc("POST "+p.path+"/login", p.login)
	mux.HandleFunc("POST "+p.path+"/token", p.token)
	mux.HandleFunc("GET "+p.path+"/logout", p.logout)
	mux.HandleFunc("GET "+p.path+"/style.css", style)
	return mux
}

// VerifySignature verifies a token of this provider with its present keys, without HTTP. It makes Provider a key set
// of go-oidc for the broker in the same process.
func (p *Provider) VerifySignature(_ context.Context, jwt string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(jwt, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return nil, fmt.Errorf("parse token: %w", err)
	}
	payload, err := jws.Verify(p.key.Public())
	if err != nil {
		return nil, fmt.Errorf("verify token: %w", err)
	}
	return payload, nil
}
