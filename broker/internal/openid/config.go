package openid

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Audience is the audience of access tokens: the broker's API.
const Audience = "broker-api"

// Kinds of the token's subject, in the claim "kind".
const (
	// KindMachine is a client that speaks for itself.
	KindMachine = "machine"
	// KindPerson is a person who logged in through a client.
	KindPerson = "person"
)

// Client is a registered client.
type Client struct {
	// ID is the client id.
	ID string
	// Key is the public key that verifies the client's assertions (ES256 or PS256). A client without key is public: it
	// can log people in with PKCE, and cannot get tokens for itself.
	Key jose.JSONWebKey
	// RedirectURIs are compared as text; a client without any logs nobody in.
	RedirectURIs []string
	// Scopes are what the client may ask for. "openid" is needed to log people in.
	Scopes []string
}

// Person is somebody who can log in.
type Person struct {
	// ID is the login name and the subject of the tokens; a pseudonym.
	ID string
	// Name is shown to relying parties in the id token, never in an access token.
	Name string
	// PasswordHash is a bcrypt hash of cost 10 (see HashPassword): one cost for all, so that time tells nothing.
	PasswordHash string
}

// Config is what the provider needs.
type Config struct {
	// Dir keeps the signing key and the used assertions, files with mode 0600. Required.
	Dir string
	// Issuer is the URL under which the provider is reached, with a path of its own ("http://127.0.0.1:8080/oidc").
	Issuer string
	// AllowPublicIssuer lets the provider run under an issuer that is not loopback. Set it only behind TLS and only
	// for a small site that knows what it does. Defaults to false: New refuses.
	AllowPublicIssuer bool
	// Clients are the registered clients.
	Clients []Client
	// People can log in. Defaults to nobody.
	People []Person
	// Logger gets the banner at the start and refused logins. Defaults to discarding them.
	Logger *slog.Logger
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Errors of the configuration.
var (
	// ErrIssuer is an issuer that is no absolute URL with a path and without query.
	ErrIssuer = errors.New("issuer must be an http(s) URL with a path, without query, fragment and final slash")
	// ErrPublicIssuer is an issuer that is not loopback.
	ErrPublicIssuer = errors.New("the embedded OpenID provider is for trying out and refuses an issuer that is not loopback; use Keycloak, or allow it explicitly")
	// ErrDir is a missing directory.
	ErrDir = errors.New("a directory is required")
	// ErrClient is a client that cannot be registered.
	ErrClient = errors.New("client id must be unique, not empty, not the audience and not a person's id; redirect URIs absolute without fragment; keys public ES256 or PS256")
	// ErrPerson is a person who cannot be registered.
	ErrPerson = errors.New("person id must be unique and not empty, the password hash bcrypt of cost 10")
)

func (c Config) validate() error {
	var faults []error
	if c.Dir == "" {
		faults = append(faults, ErrDir)
	}
	faults = append(faults, checkIssuer(c.Issuer, c.AllowPublicIssuer))
	ids := map[string]bool{"": true, Audience: true}
	for _, client := range c.Clients {
		if ids[client.ID] || !client.holds() {
			faults = append(faults, fmt.Errorf("client %q: %w", client.ID, ErrClient))
		}
		ids[client.ID] = true
	}
	for _, p := range c.People {
		if ids[p.ID] || !isBcrypt(p.PasswordHash) {
			faults = append(faults, fmt.Errorf("person %q: %w", p.ID, ErrPerson))
		}
		ids[p.ID] = true
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("configure OpenID provider: %w", err)
	}
	return nil
}

func checkIssuer(issuer string, allowPublic bool) error {
	u, err := url.Parse(issuer)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || len(u.Path) < 2 ||
		u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.HasSuffix(issuer, "/") {
		return ErrIssuer
	}
	if ip := net.ParseIP(u.Hostname()); !allowPublic && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return ErrPublicIssuer
	}
	return nil
}

// holds reports whether key and redirect URIs can be used.
func (c Client) holds() bool {
	for _, raw := range c.RedirectURIs {
		u, err := url.Parse(raw)
		if err != nil || !u.IsAbs() || u.Host == "" || u.Fragment != "" {
			return false
		}
	}
	return c.public() || (c.Key.Valid() && c.Key.IsPublic() && algorithmOf(c.Key) != "")
}

func (c Client) public() bool { return c.Key.Key == nil }
