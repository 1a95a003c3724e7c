package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/fact"
)

// derivation says how one fact follows from the application. Exactly one of Equals, OneOf and Lacks makes a boolean;
// with none of them the fact is the value itself.
type derivation struct {
	Fact    string `yaml:"fact"`
	Pointer string `yaml:"pointer"`
	// Equals: true when the property has this code.
	Equals string `yaml:"equals"`
	// OneOf: true when the property has one of these codes.
	OneOf []string `yaml:"one_of"`
	// Lacks: true when the list does not hold this code, also when it is empty.
	Lacks string `yaml:"lacks"`
	// Default is the fact's value when the property is absent. Without it an absent property makes a comparison false,
	// and is an error for Lacks and for a value.
	Default any `yaml:"default"`
}

// Derive yields every declared fact of a validated application. It returns Invalid when a property that a fact needs is
// absent or of another form than the schema allows; no error holds a value.
func (p Package) Derive(app map[string]any) (fact.Values, error) {
	out := make(fact.Values, len(p.derive))
	for _, d := range p.derive {
		v, err := d.value(app)
		if err != nil {
			return nil, contracts.Errorf(contracts.Invalid, "derive facts", "fact %s: %w", d.Fact, err)
		}
		out[d.Fact] = v
	}
	if err := fact.Check(p.Facts, out); err != nil {
		return nil, contracts.Errorf(contracts.Invalid, "derive facts", "%w", err)
	}
	return out, nil
}

var errAbsent = errors.New("the property is absent")

func (d derivation) value(app map[string]any) (any, error) {
	v, ok := lookup(app, d.Pointer)
	if !ok {
		return d.absent()
	}
	switch {
	case d.Equals != "":
		return v == d.Equals, nil
	case d.OneOf != nil:
		s, _ := v.(string)
		return slices.Contains(d.OneOf, s), nil
	case d.Lacks != "":
		list, ok := v.([]any)
		if !ok {
			return nil, errors.New("the property is no list")
		}
		return !slices.Contains(list, any(d.Lacks)), nil
	}
	return plain(v)
}

func (d derivation) absent() (any, error) {
	switch {
	case d.Default != nil:
		return plain(d.Default)
	case d.Equals != "" || d.OneOf != nil:
		return false, nil
	}
	return nil, errAbsent
}

// plain turns a JSON or YAML scalar into one of the types that facts have.
func plain(v any) (any, error) {
	switch x := v.(type) {
	case bool, string, int64:
		return x, nil
	case int:
		return int64(x), nil
	case float64:
		if x == float64(int64(x)) {
			return int64(x), nil
		}
	case json.Number:
		if n, err := strconv.ParseInt(x.String(), 10, 64); err == nil {
			return n, nil
		}
	}
	return nil, errors.New("the property is no boolean, code or whole number")
}

// check refuses a derivation that the schema or the fact's declaration contradicts.
func (d derivation) check(root *node, decls map[string]fact.Declaration) error {
	decl, ok := decls[d.Fact]
	if !ok {
		return fmt.Errorf("fact %q is not declared", d.Fact)
	}
	n := root.at(d.Pointer)
	if n == nil {
		return fmt.Errorf("pointer %q names no property of the application", d.Pointer)
	}
	comparisons := 0
	for _, set := range []bool{d.Equals != "", d.OneOf != nil, d.Lacks != ""} {
		if set {
			comparisons++
		}
	}
	switch {
	case comparisons > 1:
		return errors.New("want at most one of equals, one_of and lacks")
	case comparisons == 1 && decl.Type != "boolean":
		return errors.New("a comparison makes a boolean")
	case comparisons == 0 && decl.Type != "enum" && !slices.Contains(n.types, decl.Type):
		return fmt.Errorf("the property is no %s", decl.Type)
	case comparisons == 0 && decl.Type == "enum" && n.codes == nil:
		return errors.New("the property has no codes")
	}
	if err := d.checkCodes(n, decl); err != nil {
		return err
	}
	if d.Default == nil {
		return nil
	}
	v, err := plain(d.Default)
	if err != nil {
		return fmt.Errorf("default: %w", err)
	}
	return fact.Check(decls, fact.Values{d.Fact: v})
}

// checkCodes demands that every code in the derivation is one that the property can have, and the other way round.
func (d derivation) checkCodes(n *node, decl fact.Declaration) error {
	var codes []string
	switch {
	case d.Lacks != "":
		if n.items == nil {
			return errors.New("lacks wants a list")
		}
		n, codes = n.items, []string{d.Lacks}
	case d.Equals != "":
		codes = []string{d.Equals}
	case d.OneOf != nil:
		codes = d.OneOf
	default:
		codes = decl.Values
		for _, c := range n.codes {
			if !slices.Contains(decl.Values, c) {
				return fmt.Errorf("code %q of the property is no value of the fact", c)
			}
		}
	}
	for _, c := range codes {
		if !slices.Contains(n.codes, c) {
			return fmt.Errorf("the property never has the code %q", c)
		}
	}
	return nil
}

// lookup finds the property that a JSON pointer names.
func lookup(v any, pointer string) (any, bool) {
	for _, name := range splitPointer(pointer) {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}
