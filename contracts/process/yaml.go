package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	yaml "go.yaml.in/yaml/v3"

	"github.com/efa-broker/efa-broker/contracts"
)

// File is the name of a definition in a service package; problems point into it.
const File = "process.yaml"

const opLoad = "load process"

// reader reads a YAML tree strictly and collects every problem on the way.
type reader struct {
	problems []contracts.Problem
}

func (r *reader) refuse(line int, format string, args ...any) {
	r.problems = append(r.problems, contracts.Problem{
		Pointer: File + ":" + strconv.Itoa(line),
		Detail:  fmt.Sprintf(format, args...),
	})
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

// document parses src, which must hold exactly one YAML document.
func (r *reader) document(src []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			r.refuse(1, "the file is empty")
			return nil
		}
		r.syntax(err)
		return nil
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case err == nil:
		r.refuse(second.Line, "a second YAML document: a file holds one process")
	case !errors.Is(err, io.EOF):
		r.syntax(err)
	}
	return doc.Content[0]
}

func (r *reader) syntax(err error) {
	line := 1
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	r.refuse(line, "no YAML: %v", err)
}

// mapping reads a mapping with keys of allowed only, each once.
func (r *reader) mapping(n *yaml.Node, what string, allowed ...string) map[string]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		r.refuse(n.Line, "%s: want a mapping", what)
		return nil
	}
	fields := make(map[string]*yaml.Node, len(allowed))
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		known := false
		for _, a := range allowed {
			known = known || (a == name.Value && name.Kind == yaml.ScalarNode)
		}
		switch {
		case !known:
			r.refuse(name.Line, "%s: unknown field %q, want one of %v", what, name.Value, allowed)
		case fields[name.Value] != nil:
			r.refuse(name.Line, "%s: field %q stands twice", what, name.Value)
		default:
			fields[name.Value] = value
		}
	}
	return fields
}

// text reads a string; a number or boolean is none, so that a key like 99050012070000 has to be quoted.
func (r *reader) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" || n.Value == "" {
		r.refuse(n.Line, "%s: want a text that is not empty (quote a number)", what)
		return ""
	}
	return n.Value
}

func (r *reader) texts(n *yaml.Node, what string) []string {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.refuse(n.Line, "%s: want a list that is not empty", what)
		return nil
	}
	list := make([]string, 0, len(n.Content))
	for _, item := range n.Content {
		list = append(list, r.text(item, what))
	}
	return list
}

func (r *reader) boolean(n *yaml.Node, what string, otherwise bool) bool {
	var v bool
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" || n.Decode(&v) != nil {
		r.refuse(n.Line, "%s: want true or false", what)
		return otherwise
	}
	return v
}

func (r *reader) integer(n *yaml.Node, what string) int {
	var v int
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || n.Decode(&v) != nil {
		r.refuse(n.Line, "%s: want a whole number", what)
	}
	return v
}
