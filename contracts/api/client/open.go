package client

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
)

// Config says which broker to speak to, and as whom.
type Config struct {
	// API is the base URL of the broker: "http://127.0.0.1:8080".
	API string
	// Issuer is the URL of the OpenID provider, exactly as it names itself. Not needed with Tokens.
	Issuer string
	// Credentials prove who speaks. Not needed with Tokens.
	Credentials Credentials
	// Tokens hands out access tokens. Defaults to a TokenSource for Issuer and Credentials.
	Tokens Tokens
	// HTTP sends the requests. Defaults to a client with a timeout of 60 seconds, longer than any answer that waits.
	HTTP *http.Client
}

// Open returns an authenticated client. It sends nothing yet. An answer that is no success never reaches the caller as
// a response: every method returns it as *contracts.Error, whose kind decides what to do (see Problem, HintOf,
// ErrorIDOf). A server that cannot be reached is Unavailable.
func Open(cfg Config) (*ClientWithResponses, error) {
	const op = "open API client"
	base, err := url.Parse(cfg.API)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, contracts.Errorf(contracts.Invalid, op, "want the broker's address as http:// or https:// URL")
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Timeout: time.Minute}
	}
	if cfg.Tokens == nil {
		source, err := NewTokenSource(TokenConfig{Issuer: cfg.Issuer, Credentials: cfg.Credentials, HTTP: cfg.HTTP})
		if err != nil {
			return nil, err
		}
		cfg.Tokens = source
	}
	c, err := NewClientWithResponses(strings.TrimSuffix(cfg.API, "/"), WithHTTPClient(&doer{tokens: cfg.Tokens, http: cfg.HTTP}))
	if err != nil {
		return nil, contracts.Errorf(contracts.Invalid, op, "%w", err)
	}
	return c, nil
}
