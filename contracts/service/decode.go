package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/efa-broker/efa-broker/contracts"
)

// MaxBytes is the size above which an application is refused unread; a form of print would fill a book.
const MaxBytes = 1 << 20

// maxNumber bounds the length of a number, so that none is expensive to compare.
const maxNumber = 20

// Decode reads an application strictly: one JSON object in UTF-8, no repeated member (RFC 7493), nesting and numbers
// within bounds. Numbers become json.Number. The problems list every fault that was found before reading had to stop.
func (p Package) Decode(app []byte) (map[string]any, []contracts.Problem) {
	d := &decoder{}
	switch {
	case len(app) > MaxBytes:
		return nil, d.refuse("", "the application is larger than %d bytes", MaxBytes)
	case !utf8.Valid(app):
		return nil, d.refuse("", "the application is not UTF-8")
	}
	d.json = json.NewDecoder(bytes.NewReader(app))
	d.json.UseNumber()
	v, err := d.value(p.form.root, "", 0)
	if err == nil {
		_, err = d.json.Token()
	}
	switch {
	case errors.Is(err, errStop):
		return nil, d.problems
	case !errors.Is(err, io.EOF):
		return nil, d.refuse("", "no JSON: the fault is at byte %d", d.json.InputOffset())
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, d.refuse("", "want a JSON object")
	}
	if len(d.problems) > 0 {
		return nil, d.problems
	}
	return object, nil
}

// decoder reads JSON token by token. Its pointers name only members that the schema knows: any other name is the
// sender's text and may be content.
type decoder struct {
	json     *json.Decoder
	problems []contracts.Problem
}

// errStop ends reading after a fault that is already among the problems.
var errStop = errors.New("stop")

func (d *decoder) refuse(pointer, format string, args ...any) []contracts.Problem {
	d.problems = append(d.problems, contracts.Problem{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
	return d.problems
}

func (d *decoder) value(n *node, pointer string, depth int) (any, error) {
	if depth > maxDepth {
		d.refuse(pointer, "nested deeper than %d", maxDepth)
		return nil, errStop
	}
	token, err := d.json.Token()
	if err != nil {
		return nil, truncated(err)
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return d.object(n, pointer, depth)
		}
		return d.list(n, pointer, depth)
	case json.Number:
		if len(t) > maxNumber || strings.ContainsAny(t.String(), "eE") {
			d.refuse(pointer, "want a number of at most %d digits, without exponent", maxNumber)
			return json.Number("0"), nil
		}
	}
	return token, nil
}

func (d *decoder) object(n *node, pointer string, depth int) (any, error) {
	out := map[string]any{}
	for d.json.More() {
		token, err := d.json.Token()
		if err != nil {
			return nil, truncated(err)
		}
		name, _ := token.(string)
		child, at := n.member(name, pointer)
		if _, twice := out[name]; twice {
			d.refuse(at, "a member of this name stands twice; the second ends at byte %d", d.json.InputOffset())
		}
		if out[name], err = d.value(child, at, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.json.Token()
	return out, truncated(err)
}

func (d *decoder) list(n *node, pointer string, depth int) (any, error) {
	out := []any{}
	for d.json.More() {
		child, at := n.item(len(out), pointer)
		v, err := d.value(child, at, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := d.json.Token()
	return out, truncated(err)
}

// truncated turns the end of the input inside a value into an error of its own.
func truncated(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// member finds a member and its pointer; an unknown one keeps the pointer of its object.
func (n *node) member(name, pointer string) (*node, string) {
	if n == nil || n.properties[name] == nil {
		return nil, pointer
	}
	return n.properties[name], pointer + "/" + strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

func (n *node) item(i int, pointer string) (*node, string) {
	if n == nil || n.items == nil {
		return nil, pointer
	}
	return n.items, pointer + "/" + strconv.Itoa(i)
}
