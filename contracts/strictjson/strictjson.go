package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/efa-broker/efa-broker/contracts"
)

// MaxDepth is how many objects and arrays may lie in one another.
const MaxDepth = 64

// maxNumber is how many characters a number may have; a double needs less than 25.
const maxNumber = 64

// Parse reads the one value in body: map[string]any, []any, string, json.Number, bool or nil. When body is not strict
// JSON the value is nil and the problems say where; known tells which names may appear in a pointer, because an unknown
// name could be content of a person; every other name is shown as "*".
func Parse(body []byte, known func(name string) bool) (any, []contracts.Problem) {
	if p := encodingProblem(body); p != nil {
		return nil, []contracts.Problem{*p}
	}
	var whole json.RawMessage
	if err := json.Unmarshal(body, &whole); err != nil {
		return nil, []contracts.Problem{{Detail: syntaxDetail(err)}}
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	r := reader{dec: dec, known: known}
	value, err := r.value()
	if err != nil {
		return nil, []contracts.Problem{{Pointer: r.pointer(), Detail: fmt.Sprintf("not readable as JSON from byte %d on", dec.InputOffset())}}
	}
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return value, nil
}

func encodingProblem(body []byte) *contracts.Problem {
	switch {
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")), bytes.HasPrefix(body, []byte("\xff\xfe")), bytes.HasPrefix(body, []byte("\xfe\xff")):
		return &contracts.Problem{Detail: "the body begins with a byte order mark; send UTF-8 without one"}
	case !utf8.Valid(body):
		return &contracts.Problem{Detail: fmt.Sprintf("the body is not valid UTF-8 at byte %d", firstInvalid(body))}
	case len(bytes.TrimSpace(body)) == 0:
		return &contracts.Problem{Detail: "the body is empty; a JSON value is required"}
	}
	return nil
}

func firstInvalid(body []byte) int {
	at := 0
	for at < len(body) {
		r, n := utf8.DecodeRune(body[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}

// syntaxDetail keeps the offset of a syntax error and drops its text, which repeats a character of the body.
func syntaxDetail(err error) string {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("not valid JSON at byte %d", syntax.Offset)
	}
	return "not valid JSON"
}

// reader builds the value and collects what is not strict.
type reader struct {
	dec      *json.Decoder
	known    func(name string) bool
	path     []string
	problems []contracts.Problem
}

func (r *reader) value() (any, error) {
	tok, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := tok.(type) {
	case json.Delim:
		if len(r.path) >= MaxDepth {
			r.problem("more than %d levels", MaxDepth)
			return nil, r.skip()
		}
		if t == '{' {
			return r.object()
		}
		return r.array()
	case json.Number:
		r.number(t)
		return t, nil
	case string:
		r.text(t)
		return t, nil
	default:
		return t, nil
	}
}

// skip reads to the end of the object or array that has just begun.
func (r *reader) skip() error {
	for depth := 1; depth > 0; {
		tok, err := r.dec.Token()
		if err != nil {
			return err
		}
		switch tok {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}

func (r *reader) object() (any, error) {
	out := map[string]any{}
	for r.dec.More() {
		tok, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		name, ok := tok.(string)
		if !ok {
			return nil, io.ErrUnexpectedEOF
		}
		r.path = append(r.path, r.shown(name))
		r.text(name)
		if _, twice := out[name]; twice {
			r.problem("this name stands twice in one object (byte %d)", r.dec.InputOffset())
		}
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		out[name] = v
		r.path = r.path[:len(r.path)-1]
	}
	_, err := r.dec.Token()
	return out, err
}

func (r *reader) array() (any, error) {
	out := []any{}
	for i := 0; r.dec.More(); i++ {
		r.path = append(r.path, strconv.Itoa(i))
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		r.path = r.path[:len(r.path)-1]
	}
	_, err := r.dec.Token()
	return out, err
}

func (r *reader) text(s string) {
	if strings.ContainsRune(s, 0) {
		r.problem("text with the character U+0000 (before byte %d)", r.dec.InputOffset())
	}
	if strings.ContainsRune(s, utf8.RuneError) {
		r.problem("text with the replacement character U+FFFD or with half a surrogate pair (before byte %d)", r.dec.InputOffset())
	}
}

func (r *reader) number(n json.Number) {
	if len(n) > maxNumber {
		r.problem("a number of more than %d characters", maxNumber)
		return
	}
	f, err := n.Float64()
	if err != nil || (f == 0 && strings.ContainsAny(mantissa(n.String()), "123456789")) {
		r.problem("a number beyond what a double can hold")
	}
}

func mantissa(n string) string {
	if i := strings.IndexAny(n, "eE"); i >= 0 {
		return n[:i]
	}
	return n
}

func (r *reader) problem(format string, args ...any) {
	p := contracts.Problem{Pointer: r.pointer(), Detail: fmt.Sprintf(format, args...)}
	if !slices.Contains(r.problems, p) && len(r.problems) < maxProblems {
		r.problems = append(r.problems, p)
	}
}

// maxProblems bounds an answer to a hostile body.
const maxProblems = 100

func (r *reader) shown(name string) string {
	if r.known != nil && r.known(name) {
		return name
	}
	return "*"
}

func (r *reader) pointer() string { return Pointer(r.path) }

// Pointer renders tokens as a JSON pointer (RFC 6901); no tokens are the whole document, "".
func Pointer(tokens []string) string {
	var b strings.Builder
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	for _, t := range tokens {
		b.WriteString("/" + escape.Replace(t))
	}
	return b.String()
}
