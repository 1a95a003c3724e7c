package policies

import (
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// answer is what data.efa.disclosure.decision says, decoded without trust.
type answer struct {
	release       map[string]fieldData
	withhold      map[string][]string
	norms, retain []string
}

// decodeAnswer reads the answer from the engine's own term.
func decodeAnswer(t *ast.Term, _ *rego.EvalContext) (any, error) {
	obj, ok := t.Value.(ast.Object)
	if !ok {
		return nil, errors.New("the answer is no object")
	}
	a := answer{release: map[string]fieldData{}, withhold: map[string][]string{}}
	for name, into := range map[string]func(*ast.Term) error{
		"release":  a.readRelease,
		"withhold": a.readWithhold,
		"norms":    readTexts(&a.norms),
		"retain":   readTexts(&a.retain),
	} {
		value := obj.Get(ast.InternedTerm(name))
		if value == nil {
			return nil, fmt.Errorf("the answer lacks %s", name)
		}
		if err := into(value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return a, nil
}

func (a answer) readRelease(t *ast.Term) error {
	return eachMember(t, func(name string, value *ast.Term) error {
		var f fieldData
		err := eachMember(value, func(part string, v *ast.Term) error {
			s, ok := v.Value.(ast.String)
			switch {
			case ok && part == "effect":
				f.Effect = string(s)
			case ok && part == "group":
				f.Group = string(s)
			default:
				return errors.New("a field has a member that this version does not know")
			}
			return nil
		})
		a.release[name] = f
		return err
	})
}

func (a answer) readWithhold(t *ast.Term) error {
	return eachMember(t, func(name string, value *ast.Term) error {
		var codes []string
		err := readTexts(&codes)(value)
		a.withhold[name] = codes
		return err
	})
}

// readTexts reads a set of strings, sorted.
func readTexts(into *[]string) func(*ast.Term) error {
	return func(t *ast.Term) error {
		set, ok := t.Value.(ast.Set)
		if !ok {
			return errors.New("want a set")
		}
		for _, item := range set.Slice() { // sorted
			s, ok := item.Value.(ast.String)
			if !ok {
				return errors.New("want a set of texts")
			}
			*into = append(*into, string(s))
		}
		return nil
	}
}

// eachMember calls fn for each member of an object with text keys.
func eachMember(t *ast.Term, fn func(name string, value *ast.Term) error) error {
	obj, ok := t.Value.(ast.Object)
	if !ok {
		return errors.New("want an object")
	}
	return obj.Iter(func(k, v *ast.Term) error {
		name, ok := k.Value.(ast.String)
		if !ok {
			return errors.New("want text keys")
		}
		return fn(string(name), v)
	})
}
