package client

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
)

// tokenMargin is how long before its end a token is no longer used, so that none expires on the way.
const tokenMargin = 30 * time.Second

// TokenConfig says who asks whom for tokens.
type TokenConfig struct {
	// Issuer is the URL of the OpenID provider, exactly as it names itself.
	Issuer string
	// Credentials prove who asks.
	Credentials Credentials
	// HTTP sends the requests. Defaults to a client with a timeout of 10 seconds.
	HTTP *http.Client
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// TokenSource obtains access tokens by client_credentials with private_key_jwt and keeps one until shortly before it
// expires. It is safe for concurrent use: while one caller asks the provider, the others wait for its answer or for the
// end of their context.
type TokenSource struct {
	cfg TokenConfig
	// turn holds one token: whoever has it may read and change the fields below.
	turn     chan struct{}
	endpoint string
	token    string
	until    time.Time
}

// NewTokenSource checks cfg. It asks the provider nothing yet.
func NewTokenSource(cfg TokenConfig) (*TokenSource, error) {
	if err := cfg.Credentials.Validate(); err != nil {
		return nil, err
	}
	if cfg.Issuer == "" {
		return nil, contracts.Errorf(contracts.Invalid, "open token source", "issuer is missing")
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Timeout: 10 * time.Second}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &TokenSource{cfg: cfg, turn: make(chan struct{}, 1)}, nil
}

// Token returns a token that is good for at least another half minute. Errors: Unauthenticated when the provider does
// not know the client or its key, Unavailable when it cannot be reached.
func (s *TokenSource) Token(ctx context.Context) (string, error) {
	if err := s.lock(ctx); err != nil {
		return "", err
	}
	defer s.unlock()
	if s.token != "" && s.cfg.Now().Before(s.until) {
		return s.token, nil
	}
	if s.endpoint == "" {
		endpoint, err := discover(ctx, s.cfg.HTTP, s.cfg.Issuer)
		if err != nil {
			return "", err
		}
		s.endpoint = endpoint
	}
	return s.request(ctx)
}

// Forget drops token if it is still the one in use: the broker has refused it, so the next caller asks for another.
func (s *TokenSource) Forget(ctx context.Context, token string) {
	if s.lock(ctx) != nil {
		return
	}
	defer s.unlock()
	if s.token == token {
		s.token = ""
	}
}

func (s *TokenSource) request(ctx context.Context) (string, error) {
	const op = "request access token"
	asked := s.cfg.Now()
	assertion, err := s.cfg.Credentials.assertion(s.endpoint, asked)
	if err != nil {
		return "", err
	}
	form := url.Values{
		"grant_type":            {"client_credentials"},
		"client_id":             {s.cfg.Credentials.ClientID},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", contracts.Errorf(contracts.Invalid, op, "%w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	if err := exchange(s.cfg.HTTP, req, op, &answer); err != nil {
		return "", err
	}
	if answer.AccessToken == "" {
		return "", contracts.Errorf(contracts.Unavailable, op, "the answer holds no token")
	}
	s.token = answer.AccessToken
	s.until = asked.Add(time.Duration(answer.ExpiresIn)*time.Second - tokenMargin)
	return s.token, nil
}

func (s *TokenSource) lock(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return contracts.Errorf(contracts.Unavailable, "wait for access token", "%w", ctx.Err())
	}
}

func (s *TokenSource) unlock() { <-s.turn }
