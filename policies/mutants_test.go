package policies

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"

	"github.com/efa-broker/efa-broker/contracts/law"
)

// mutant is a rule file with one deliberate fault.
type mutant struct{ name, file, src string }

func TestEveryFaultInTheRulesIsNoticed(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles every mutant")
	}
	e, book := setup(t)
	table := accessTable(t, e)
	var noticed, broken int
	all, files := mutants(t), embeddedFiles(t)
	for _, m := range all {
		p, err := loadReplaced(t, files, strings.Replace(m.file, "rego/", "efa/", 1), m.src)
		switch {
		case err != nil:
			broken++ // does not load: what was in force stays
		case strings.Contains(m.file, "/access/") && accessTable(t, engineOn(p)) != table,
			strings.Contains(m.file, "/disclosure/") && differs(t, book, p),
			failsRuleTests(t, m):
			noticed++
		default: // an equivalent mutant would stand here by name, with the reason; there is none
			t.Errorf("nobody notices %s:\n%s", m.name, m.src)
		}
	}
	for _, must := range []string{"drop condition", "lte becomes", "lt becomes", "neq becomes", "equal becomes", "delete rule", "delete entry", "delete item", "minus becomes", "and becomes"} {
		if !slices.ContainsFunc(all, func(m mutant) bool { return strings.Contains(m.name, must) }) {
			t.Errorf("no mutant of kind %q was made", must)
		}
	}
	t.Logf("%d mutants noticed, %d do not load", noticed, broken)
	if noticed < 60 {
		t.Errorf("only %d mutants were noticed; are they still made?", noticed)
	}
}

// differs reports whether the twin decides one of some hundred random requests otherwise than the policy.
func differs(t *testing.T, book law.Book, p *policy) bool {
	t.Helper()
	e, r := engineOn(p), rand.New(rand.NewPCG(7, 0))
	for range 400 {
		in := draw(r, book)
		doc, err := e.Decide(t.Context(), in)
		if compare(book, in, doc, err) != "" {
			return true
		}
	}
	return false
}

func failsRuleTests(t *testing.T, m mutant) bool {
	t.Helper()
	files := regoFiles(t)
	files[m.file] = []byte(m.src)
	failed, _ := ruleTests(t, parse(t, files))
	return len(failed) > 0
}

// mutants makes every mutant of every rule.
func mutants(t *testing.T) []mutant {
	t.Helper()
	var out []mutant
	files := regoFiles(t)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(file, "_test.rego") {
			continue
		}
		for i := 0; ; i++ {
			m := parse(t, map[string][]byte{file: files[file]})[file]
			what, ok := mutate(m, i)
			if !ok {
				break
			}
			src, err := format.Ast(m)
			if err != nil {
				t.Fatalf("%s: %s: %v", file, what, err)
			}
			out = append(out, mutant{name: fmt.Sprintf("%s: %s", file, what), file: file, src: string(src)})
		}
	}
	return out
}

// mutate makes the n-th fault in the module: a dropped condition (in rules and comprehensions), a shifted or turned
// comparison, a deleted rule, a deleted entry of an object or set. It says what it did, or false when there is no n-th.
func mutate(m *ast.Module, n int) (string, bool) {
	var what string
	at := 0
	hit := func(text string, args ...any) bool {
		if at++; at-1 != n {
			return false
		}
		what = fmt.Sprintf(text, args...)
		return true
	}
	for i, r := range m.Rules {
		if hit("delete rule %s at line %d", r.Head.Ref(), r.Location.Row) {
			m.Rules = slices.Delete(m.Rules, i, i+1)
			return what, true
		}
	}
	ast.WalkBodies(m, func(b ast.Body) bool {
		for i, expr := range b {
			mutateExpr(b, i, expr, hit)
		}
		return what != ""
	})
	if what == "" {
		ast.WalkTerms(m, func(t *ast.Term) bool {
			mutateTerm(t, hit)
			return what != ""
		})
	}
	return what, what != ""
}

func mutateExpr(b ast.Body, i int, expr *ast.Expr, hit func(string, ...any) bool) {
	if !expr.Equal(ast.NewExpr(ast.BooleanTerm(true))) && hit("drop condition %d at line %d", i, expr.Location.Row) {
		dropped := ast.NewExpr(ast.BooleanTerm(true))
		dropped.Location = expr.Location
		b[i] = dropped
	}
	if !expr.IsCall() {
		return
	}
	turns := map[string][]*ast.Builtin{
		"lte": {ast.LessThan, ast.GreaterThan}, "lt": {ast.LessThanEq, ast.GreaterThan},
		"equal": {ast.NotEqual}, "neq": {ast.Equal}, "minus": {ast.And}, "and": {ast.Or},
	}
	for _, other := range turns[expr.Operator().String()] {
		if hit("%s becomes %s at line %d", expr.Operator(), other.Name, expr.Location.Row) {
			expr.SetOperator(ast.NewTerm(other.Ref()).SetLocation(expr.Operands()[0].Location))
		}
	}
}

func mutateTerm(t *ast.Term, hit func(string, ...any) bool) {
	row := 0
	if t.Location != nil {
		row = t.Location.Row
	}
	switch v := t.Value.(type) {
	case ast.Object:
		for _, k := range v.Keys() {
			if hit("delete entry %s at line %d", k, row) {
				rest := ast.NewObject()
				v.Foreach(func(key, value *ast.Term) {
					if !key.Equal(k) {
						rest.Insert(key, value)
					}
				})
				t.Value = rest
			}
		}
	case ast.Set:
		for _, item := range v.Slice() {
			if hit("delete item %s at line %d", item, row) {
				t.Value = v.Diff(ast.NewSet(item))
			}
		}
	case ast.Call:
		if name := v[0].String(); name == "minus" || name == "and" {
			other := map[string]*ast.Builtin{"minus": ast.And, "and": ast.Or}[name]
			if hit("%s becomes %s at line %d", name, other.Name, row) {
				v[0] = ast.NewTerm(other.Ref()).SetLocation(v[0].Location)
			}
		}
	}
}
