package httpserver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver/openapi"
	"github.com/efa-broker/efa-broker/broker/internal/httpserver/strictjson"
	"github.com/efa-broker/efa-broker/contracts"
)

// parsed is the request's body as the validator wants it.
type parsed struct {
	mediaType string
	value     any
}

type parsedKey struct{}

// body reads the whole body within its limit, checks the media type and, for JSON, that it is strict. The handler gets
// a reader over the bytes that were checked. When this station is done the request has been read in full.
func (g *gate) body(op *openapi.Operation, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := g.read(w, r, op)
		if err != nil {
			g.errors.Response(w, r, err)
			return
		}
		if p != nil {
			r = r.WithContext(context.WithValue(r.Context(), parsedKey{}, *p))
		}
		next.ServeHTTP(w, r)
	})
}

// read returns nil for an operation or a JSON-less body that nothing more is to be said about.
func (g *gate) read(w http.ResponseWriter, r *http.Request, op *openapi.Operation) (*parsed, error) {
	takes, required := op.TakesBody()
	if !takes || (!required && r.ContentLength == 0) {
		return nil, g.refuseBody(w, r)
	}
	mediaType, err := mediaTypeOf(r.Header, op.BodyMedia())
	if err != nil {
		return nil, err
	}
	isJSON := mediaType == "application/json"
	limit := g.cfg.Limits.DocumentBytes
	if isJSON {
		limit = g.cfg.Limits.JSONBytes
	}
	raw, err := readAll(w, r, limit)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	r.ContentLength = int64(len(raw))
	switch {
	case isJSON:
		value, problems := strictjson.Parse(raw, g.doc.Known)
		if problems != nil {
			return nil, &contracts.Error{Kind: contracts.Invalid, Op: "read body", Problems: problems}
		}
		return &parsed{mediaType, value}, nil
	case len(raw) == 0 && required:
		return nil, &contracts.Error{Kind: contracts.Invalid, Op: "read body", Problems: []contracts.Problem{{Detail: "the body is empty"}}}
	}
	return nil, nil //nolint:nilnil // a document has nothing to validate
}

// refuseBody makes sure that an operation without a body gets none.
func (g *gate) refuseBody(w http.ResponseWriter, r *http.Request) error {
	raw, err := readAll(w, r, g.cfg.Limits.JSONBytes)
	if err != nil {
		return err
	}
	r.Body = http.NoBody
	if len(raw) > 0 {
		return &contracts.Error{Kind: contracts.Invalid, Op: "read body", Problems: []contracts.Problem{{Detail: "this operation takes no body"}}}
	}
	return nil
}

func readAll(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, contracts.Errorf(contracts.TooLarge, "read body", "%d bytes announced, limit %d", r.ContentLength, limit)
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, contracts.Errorf(contracts.TooLarge, "read body", "limit %d: %w", limit, err)
	case err != nil:
		return nil, &contracts.Error{
			Kind: contracts.Invalid, Op: "read body", Err: err,
			Problems: []contracts.Problem{{Detail: "the body did not arrive in full"}},
		}
	}
	return raw, nil
}

// mediaTypeOf checks Content-Type and Content-Encoding. JSON is UTF-8 (RFC 8259), so no other charset is read.
func mediaTypeOf(h http.Header, allowed []string) (string, error) {
	refuse := func(cause string) error {
		return &contracts.Error{
			Kind: contracts.Unsupported, Op: "read body",
			Problems: []contracts.Problem{{Pointer: cause, Detail: "want one of: " + strings.Join(allowed, ", ") + "; UTF-8, no content encoding"}},
		}
	}
	values := h.Values("Content-Type")
	if len(values) != 1 {
		return "", refuse("Content-Type")
	}
	mediaType, params, err := mime.ParseMediaType(values[0])
	if err != nil || !slices.Contains(allowed, mediaType) {
		return "", refuse("Content-Type")
	}
	for name, value := range params {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return "", refuse("Content-Type")
		}
	}
	for _, e := range h.Values("Content-Encoding") {
		if e != "" && !strings.EqualFold(e, "identity") {
			return "", refuse("Content-Encoding")
		}
	}
	return mediaType, nil
}
