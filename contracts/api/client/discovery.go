package client

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/efa-broker/efa-broker/contracts"
)

// maxIdentityAnswer bounds what is read of the provider's answers.
const maxIdentityAnswer = 1 << 20

// discover asks the issuer for its token endpoint (OpenID Connect Discovery 1.0 § 4). The answer must name the same
// issuer, else a foreign document could send assertions elsewhere.
func discover(ctx context.Context, h *http.Client, issuer string) (string, error) {
	const op = "discover token endpoint"
	url := strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", contracts.Errorf(contracts.Invalid, op, "issuer is no URL: %w", err)
	}
	var doc struct {
		Issuer        string `json:"issuer"`
		TokenEndpoint string `json:"token_endpoint"`
	}
	if err := exchange(h, req, op, &doc); err != nil {
		return "", err
	}
	if doc.Issuer != issuer {
		return "", contracts.Errorf(contracts.Invalid, op, "the provider names itself %q, configured is %q", doc.Issuer, issuer)
	}
	if doc.TokenEndpoint == "" {
		return "", contracts.Errorf(contracts.Invalid, op, "the provider names no token endpoint")
	}
	return doc.TokenEndpoint, nil
}

// exchange sends req and decodes a 200 into out. What else comes is an error whose kind says whether to try again.
func exchange(h *http.Client, req *http.Request, op string, out any) error {
	resp, err := h.Do(req)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxIdentityAnswer))
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return refusal(op, resp.StatusCode, body)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "the answer is no JSON")
	}
	return nil
}

// refusal reads an OAuth error (RFC 6749 § 5.2); its code is from a closed list and fit for an error text.
func refusal(op string, status int, body []byte) error {
	var answer struct {
		Code string `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Code == "" {
		answer.Code = http.StatusText(status)
	}
	kind := kindOfStatus(status)
	if answer.Code == "invalid_client" || answer.Code == "invalid_grant" || answer.Code == "unauthorized_client" {
		kind = contracts.Unauthenticated
	}
	return contracts.Errorf(kind, op, "the provider answered %d %s", status, answer.Code)
}
