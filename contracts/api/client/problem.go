package client

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/efa-broker/efa-broker/contracts"
)

// ProblemType is the beginning of the type of every problem; the kind's word follows.
const ProblemType = "urn:efa:problem:"

// Error renders title, detail and error id, so that a problem is the cause of the *contracts.Error made from it.
func (p *Problem) Error() string {
	text := p.Title
	if p.Detail != nil && *p.Detail != "" {
		text += ": " + *p.Detail
	}
	if p.ErrorId != "" {
		text += " (error id " + p.ErrorId + ")"
	}
	return text
}

// HintOf is what the broker advises to do about err; empty when it said nothing.
func HintOf(err error) string {
	if p, ok := errors.AsType[*Problem](err); ok && p.Hint != nil {
		return *p.Hint
	}
	return ""
}

// ErrorIDOf is the id by which the broker's log holds the cause of err; empty when err did not come from the broker.
func ErrorIDOf(err error) string {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.ErrorId
	}
	return ""
}

// decode makes an error of an answer that is no success.
func decode(op string, status int, body []byte) error {
	var p Problem
	if err := json.Unmarshal(body, &p); err != nil || p.Type == "" {
		return contracts.Errorf(kindOfStatus(status), op, "the server answered %d %s without a problem document",
			status, http.StatusText(status))
	}
	e := &contracts.Error{Kind: kindOfType(p.Type, status), Op: op, Err: &p}
	if p.Problems != nil {
		for _, f := range *p.Problems {
			e.Problems = append(e.Problems, contracts.Problem{Pointer: f.Pointer, Detail: f.Detail})
		}
	}
	return e
}

func kindOfType(problem string, status int) contracts.Kind {
	word := strings.TrimPrefix(problem, ProblemType)
	for k := contracts.Internal; k <= contracts.Unavailable; k++ {
		if k.String() == word {
			return k
		}
	}
	return kindOfStatus(status)
}

// kindOfStatus is for answers of somebody else than the broker: a proxy, the OpenID provider.
func kindOfStatus(status int) contracts.Kind {
	switch status {
	case http.StatusUnauthorized:
		return contracts.Unauthenticated
	case http.StatusForbidden:
		return contracts.Denied
	case http.StatusNotFound:
		return contracts.NotFound
	case http.StatusConflict:
		return contracts.Conflict
	case http.StatusRequestEntityTooLarge:
		return contracts.TooLarge
	case http.StatusUnsupportedMediaType:
		return contracts.Unsupported
	case http.StatusRequestTimeout, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return contracts.Unavailable
	}
	if status >= http.StatusBadRequest && status < http.StatusInternalServerError {
		return contracts.Invalid
	}
	return contracts.Internal
}

// unexpected is an answer of a success status that the contract does not know.
func unexpected(op string, status int) error {
	return contracts.Errorf(contracts.Internal, op, "the server answered %s, which the contract does not know", strconv.Itoa(status))
}
