package world

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/contracts"
)

// signer makes tokens, and keys verifies them as those of any provider. Each client has one, as it keeps one until it expires.
type signer struct {
	jose   jose.Signer
	keys   *oidc.StaticKeySet
	tokens *sync.Map // by client
}

// tokenLife outlasts every run.
const tokenLife = 24 * time.Hour

func newSigner() (signer, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return signer{}, fmt.Errorf("make key of tokens: %w", err)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: private}, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		return signer{}, fmt.Errorf("make signer of tokens: %w", err)
	}
	return signer{jose: s, keys: &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{private.Public()}}, tokens: &sync.Map{}}, nil
}

// token is an access token of a machine client.
func (s signer) token(client string) (string, error) {
	if kept, ok := s.tokens.Load(client); ok {
		return kept.(string), nil //nolint:forcetypeassert // only the line below stores
	}
	now := time.Now()
	token, err := jwt.Signed(s.jose).Claims(jwt.Claims{
		Issuer: issuer, Subject: client, Audience: jwt.Audience{audience}, ID: uuid.NewString(),
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(tokenLife)),
	}).Claims(map[string]any{"client_id": client, "kind": "machine"}).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	s.tokens.Store(client, token)
	return token, nil
}

// Request is a prepared request.
type Request struct {
	method, path, token string
	body                []byte
	// want is the status of the answer.
	want int
}

// Submission files body, which Application made, at the portal. Each has an id of its own.
func (w *World) Submission(application json.RawMessage, region string) (Request, error) {
	token, err := w.signer.token(portal)
	if err != nil {
		return Request{}, err
	}
	body, err := json.Marshal(map[string]any{"submission_id": uuid.NewString(), "service": trade, "region": region, "application": application})
	if err != nil {
		return Request{}, fmt.Errorf("encode submission: %w", err)
	}
	return Request{http.MethodPost, "/v1/submissions", token, body, http.StatusCreated}, nil
}

// Outcome is the answer of a task's holder.
func (w *World) Outcome(t Task) (Request, error) {
	token, err := w.signer.token(string(t.Holder))
	if err != nil {
		return Request{}, err
	}
	body := []byte(`{"outcome":"registered","facts":{"indications_of_violation":false}}`)
	return Request{http.MethodPost, "/v1/tasks/" + t.ID + "/outcome", token, body, http.StatusOK}, nil
}

// Do sends a request through the whole handler and returns the body of the answer. Any other answer than the expected one
// is an error: a benchmark of refusals would be a fast one.
func (w *World) Do(ctx context.Context, r Request) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, "https://bench.invalid"+r.path, bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("Content-Type", "application/json")
	answer := recorder{header: http.Header{}}
	w.handler.ServeHTTP(&answer, req)
	if answer.status != r.want {
		return nil, contracts.Errorf(contracts.Unavailable, "measure", "%s %s was answered %d: %s", r.method, r.path, answer.status, answer.body.Bytes())
	}
	return answer.body.Bytes(), nil
}

// Submit sends a submission and returns its case.
func (w *World) Submit(ctx context.Context, r Request) (string, error) {
	raw, err := w.Do(ctx, r)
	if err != nil {
		return "", err
	}
	var accepted struct {
		Case string `json:"case_id"`
	}
	if err := json.Unmarshal(raw, &accepted); err != nil {
		return "", fmt.Errorf("read receipt: %w", err)
	}
	return accepted.Case, nil
}

// recorder takes an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

var _ io.Writer = (*recorder)(nil)

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}
