package openapi

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// ErrResponse is an answer that the document does not allow.
var ErrResponse = errors.New("answer does not match the OpenAPI document")

// CheckResponse checks an answer of the operation: its status must be in the document (or fall under "default", which
// is for errors), its media type and body must match. It serves tests; the error may repeat the answer.
func (o *Operation) CheckResponse(status int, contentType string, body []byte) error {
	m, ok := o.responses[strconv.Itoa(status)]
	if !ok && status >= 400 {
		m, ok = o.responses["default"]
	}
	if !ok {
		return fmt.Errorf("%s: status %d is not in the document: %w", o.ID, status, ErrResponse)
	}
	if len(m) == 0 && len(body) == 0 {
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("%s: status %d: media type: %w", o.ID, status, errors.Join(err, ErrResponse))
	}
	schema, ok := m[mediaType]
	if !ok {
		return fmt.Errorf("%s: status %d: media type %s is not in the document: %w", o.ID, status, mediaType, ErrResponse)
	}
	if schema == nil {
		return nil
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: status %d: %w", o.ID, status, errors.Join(err, ErrResponse))
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%s: status %d: %w", o.ID, status, errors.Join(err, ErrResponse))
	}
	return nil
}
