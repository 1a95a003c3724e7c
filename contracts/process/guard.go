package process

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// names is a set of names that certainly have a value.
type names map[name]bool

func union(sets ...names) names {
	all := names{}
	for _, s := range sets {
		maps.Copy(all, s)
	}
	return all
}

func intersection(sets ...names) names {
	common := names{}
	for n := range sets[0] {
		if !slices.ContainsFunc(sets[1:], func(s names) bool { return !s[n] }) {
			common[n] = true
		}
	}
	return common
}

// inspector walks a parsed condition: every name must be visible, and what may be absent must be guarded.
type inspector struct {
	tree     *ast.AST
	scope    scope
	problems []string
}

func inspect(tree *ast.AST, sc scope) []string {
	in := &inspector{tree: tree, scope: sc}
	in.walk(tree.Expr(), names{})
	return in.problems
}

func (in *inspector) refuse(e ast.Expr, format string, args ...any) {
	if e.Kind() == ast.SelectKind {
		e = e.AsSelect().Operand() // a selection is located at its dot
	}
	column := in.tree.SourceInfo().GetStartLocation(e.ID()).Column() + 1
	in.problems = append(in.problems, fmt.Sprintf("column %d: ", column)+fmt.Sprintf(format, args...))
}

// walk checks e, given the names that certainly have a value where e matters for the result.
func (in *inspector) walk(e ast.Expr, given names) {
	switch e.Kind() {
	case ast.LiteralKind:
	case ast.ListKind:
		for _, item := range e.AsList().Elements() {
			in.walk(item, given)
		}
	case ast.SelectKind:
		in.reference(e, given)
	case ast.IdentKind:
		if root := rootOf(e); root != "" {
			in.refuse(e, "%s stands alone, want %s.<name>", root, root)
		}
	case ast.CallKind:
		in.call(e.AsCall(), given)
	case ast.ComprehensionKind, ast.MapKind, ast.StructKind, ast.UnspecifiedExprKind:
		in.refuse(e, "want facts, outcomes, literals, lists and operators only")
	}
}

func (in *inspector) call(c ast.CallExpr, given names) {
	args := c.Args()
	switch c.FunctionName() {
	case operators.LogicalAnd:
		for i, a := range args {
			in.walk(a, union(given, others(args, i, present)))
		}
		return
	case operators.LogicalOr:
		for i, a := range args {
			in.walk(a, union(given, others(args, i, absent)))
		}
		return
	case operators.Conditional:
		in.walk(args[0], given)
		in.walk(args[1], union(given, present(args[0])))
		in.walk(args[2], union(given, absent(args[0])))
		return
	case operators.Equals, operators.NotEquals, operators.In:
		in.literals(args)
	}
	if c.IsMemberFunction() {
		in.walk(c.Target(), given)
	}
	for _, a := range args {
		in.walk(a, given)
	}
}

// others unites what f tells about all arguments but the i-th. CEL's && and || absorb an error on one side when the other
// side decides alone, so each side is guarded by the other, in either order.
func others(args []ast.Expr, i int, f func(ast.Expr) names) names {
	all := names{}
	for j, a := range args {
		if j != i {
			maps.Copy(all, f(a))
		}
	}
	return all
}

// present are the names that have a value when e is true.
func present(e ast.Expr) names {
	if n, ok := nameOf(e); ok && e.AsSelect().IsTestOnly() {
		return names{n: true}
	}
	if e.Kind() != ast.CallKind {
		return names{}
	}
	args := e.AsCall().Args()
	switch e.AsCall().FunctionName() {
	case operators.LogicalNot:
		return absent(args[0])
	case operators.LogicalAnd:
		return union(each(args, present)...)
	case operators.LogicalOr:
		return intersection(each(args, present)...)
	}
	return names{}
}

// absent are the names that have a value when e is false.
func absent(e ast.Expr) names {
	if e.Kind() != ast.CallKind {
		return names{}
	}
	args := e.AsCall().Args()
	switch e.AsCall().FunctionName() {
	case operators.LogicalNot:
		return present(args[0])
	case operators.LogicalOr:
		return union(each(args, absent)...)
	case operators.LogicalAnd:
		return intersection(each(args, absent)...)
	}
	return names{}
}

func each(args []ast.Expr, f func(ast.Expr) names) []names {
	all := make([]names, 0, len(args))
	for _, a := range args {
		all = append(all, f(a))
	}
	return all
}

func (in *inspector) reference(e ast.Expr, given names) {
	n, ok := nameOf(e)
	if !ok {
		in.walk(e.AsSelect().Operand(), given)
		return
	}
	entry, visible := in.scope.visible[n]
	switch {
	case !visible:
		in.unknown(e, n)
	case entry.optional && !e.AsSelect().IsTestOnly() && !given[n]:
		in.refuse(e, "%s may be absent here: guard it with has(%s) &&", n, n)
	}
}

func (in *inspector) unknown(e ast.Expr, n name) {
	if why, ok := in.scope.hidden[n]; ok {
		in.refuse(e, "%s %s", n, why)
		return
	}
	var known []string
	for v := range in.scope.visible {
		if v.root == n.root {
			known = append(known, v.field)
		}
	}
	slices.Sort(known)
	what := "is not a declared fact"
	if n.root == rootOutcome {
		what = "is not the outcome of a task"
	}
	in.refuse(e, "%s %s (known here: %s)", n, what, strings.Join(known, ", "))
}

// literals refuses a comparison with a word that an enumeration does not have: it would skip the step silently.
func (in *inspector) literals(args []ast.Expr) {
	for i, a := range args {
		n, ok := nameOf(a)
		if !ok || a.AsSelect().IsTestOnly() {
			continue
		}
		e, visible := in.scope.visible[n]
		if !visible || e.decl.Type != "enum" {
			continue
		}
		for _, word := range words(args[1-i]) {
			if v, ok := word.AsLiteral().Value().(string); ok && !slices.Contains(e.decl.Values, v) {
				in.refuse(word, "%s is never %q (one of %s)", n, v, strings.Join(e.decl.Values, ", "))
			}
		}
	}
}

// words are the literals that an expression compares with.
func words(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.LiteralKind:
		return []ast.Expr{e}
	case ast.ListKind:
		var all []ast.Expr
		for _, item := range e.AsList().Elements() {
			all = append(all, words(item)...)
		}
		return all
	case ast.CallKind, ast.ComprehensionKind, ast.IdentKind, ast.MapKind, ast.SelectKind, ast.StructKind,
		ast.UnspecifiedExprKind:
	}
	return nil
}

func rootOf(e ast.Expr) string {
	if e.Kind() != ast.IdentKind {
		return ""
	}
	root := strings.TrimPrefix(e.AsIdent(), ".")
	if root == rootFacts || root == rootOutcome {
		return root
	}
	return ""
}

// nameOf reads facts.<field> or outcome.<field>, also inside has().
func nameOf(e ast.Expr) (name, bool) {
	if e.Kind() != ast.SelectKind {
		return name{}, false
	}
	root := rootOf(e.AsSelect().Operand())
	return name{root, e.AsSelect().FieldName()}, root != ""
}
