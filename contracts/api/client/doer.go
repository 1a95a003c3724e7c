package client

import (
	"context"
	"io"
	"net/http"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// maxProblem bounds what is read of a problem document.
const maxProblem = 1 << 20

// Tokens hands out access tokens.
type Tokens interface {
	// Token returns a token to use now.
	Token(ctx context.Context) (string, error)
	// Forget is told that the broker refused token.
	Forget(ctx context.Context, token string)
}

// StaticToken is one access token that was obtained elsewhere, for example by a person.
type StaticToken string

// Token returns the token itself.
func (t StaticToken) Token(context.Context) (string, error) { return string(t), nil }

// Forget does nothing: there is no other token.
func (t StaticToken) Forget(context.Context, string) {}

// doer sends requests with a token and turns every answer that is no success into an error. When the broker refuses a
// token (after a restart of the provider, say), it asks once more with a fresh one. The trace context of a request
// (event.WithTraceParent) goes along.
type doer struct {
	tokens Tokens
	http   *http.Client
}

// Do sends req.
func (d *doer) Do(req *http.Request) (*http.Response, error) {
	resp, token, err := d.send(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusUnauthorized && replayable(req) {
		drain(resp)
		d.tokens.Forget(req.Context(), token)
		if resp, _, err = d.send(req); err != nil {
			return nil, err
		}
	}
	if resp.StatusCode < http.StatusMultipleChoices {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	op := req.Method + " " + route(req.URL.Path)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	return nil, decode(op, resp.StatusCode, body)
}

func (d *doer) send(req *http.Request) (*http.Response, string, error) {
	token, err := d.tokens.Token(req.Context())
	if err != nil {
		return nil, "", err
	}
	again := req.Clone(req.Context())
	again.Header.Set("Authorization", "Bearer "+token)
	if tp := event.TraceParent(req.Context()); tp != "" {
		again.Header.Set("Traceparent", tp)
	}
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return nil, "", contracts.Errorf(contracts.Internal, "read request body again", "%w", err)
		}
	}
	resp, err := d.http.Do(again)
	if err != nil {
		return nil, "", contracts.Errorf(contracts.Unavailable, "reach "+req.URL.Host, "%w", err)
	}
	return resp, token, nil
}

func replayable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

func drain(resp *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxProblem))
	_ = resp.Body.Close()
}
