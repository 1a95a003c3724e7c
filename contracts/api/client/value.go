package client

import (
	"strings"
)

// Answer is what every generated response offers.
type Answer interface{ StatusCode() int }

// Value unpacks the body of a response: the first of bodies that is there. A response with another success status than
// the contract names is an error, so that no caller meets a nil pointer.
//
//	got, err := c.GetCaseWithResponse(ctx, id)
//	if err != nil { … }
//	found, err := client.Value(got, got.JSON200)
func Value[T any](answer Answer, bodies ...*T) (T, error) {
	for _, b := range bodies {
		if b != nil {
			return *b, nil
		}
	}
	var zero T
	return zero, unexpected("read answer", answer.StatusCode())
}

// route shortens a path to its fixed part, "/v1/cases", because ids have no place in the name of an operation.
func route(path string) string {
	parts := strings.SplitN(strings.TrimPrefix(path, "/"), "/", 3)
	if len(parts) < 2 {
		return path
	}
	return "/" + parts[0] + "/" + parts[1]
}

var _ HttpRequestDoer = (*doer)(nil)
