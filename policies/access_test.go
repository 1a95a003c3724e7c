package policies

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// constants are the values of all constants of a type, read from the source, so that none can be forgotten here.
func constants(t *testing.T, file, typ string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != typ {
			return true
		}
		for _, v := range spec.Values {
			if lit, ok := v.(*ast.BasicLit); ok {
				s, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, s)
			}
		}
		return true
	})
	if len(out) == 0 {
		t.Fatalf("%s has no constants of type %s", file, typ)
	}
	return out
}

// accessTable is the complete cross product of roles, actions and relations: one line per role and action, with the
// relations in which it is allowed and those in which it is denied; an error is the table.
func accessTable(t *testing.T, e *Engine) string {
	t.Helper()
	roles := constants(t, "../contracts/actor/actor.go", "Role")
	actions := constants(t, "../contracts/decision/decision.go", "Action")
	relations := constants(t, "../contracts/decision/decision.go", "Relation")
	var out strings.Builder
	for _, role := range roles {
		for _, action := range actions {
			var allowed, denied []string
			for _, relation := range relations {
				ok, err := e.Allow(t.Context(), decision.AccessInput{
					Role: actor.Role(role), Action: decision.Action(action), Relation: decision.Relation(relation),
				})
				if err != nil {
					return err.Error()
				}
				if ok {
					allowed = append(allowed, relation)
				} else {
					denied = append(denied, relation)
				}
			}
			fmt.Fprintf(&out, "%-16s %-18s allow: %-34s deny: %s\n", role, action, strings.Join(allowed, " "), strings.Join(denied, " "))
		}
	}
	return out.String()
}

func TestTheTableOfRolesActionsAndRelations(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	golden(t, "access/roles.golden", "# Who may do what: role, action, the relations in which it is allowed, those in which it is denied\n"+accessTable(t, e))
}

func TestAccessIsDeniedToWhateverThePolicyDoesNotKnow(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	good := decision.AccessInput{Role: actor.System, Action: decision.ContentFetch, Relation: decision.Other}
	if ok, err := e.Allow(t.Context(), good); err != nil || !ok {
		t.Fatalf("allow = %t, %v, want yes", ok, err)
	}
	for name, in := range map[string]decision.AccessInput{
		"nothing":          {},
		"no role":          {Action: good.Action, Relation: good.Relation},
		"no action":        {Role: good.Role, Relation: good.Relation},
		"no relation":      {Role: good.Role, Action: good.Action},
		"unknown role":     {Role: "auditor", Action: good.Action, Relation: good.Relation},
		"unknown action":   {Role: good.Role, Action: "content.burn", Relation: good.Relation},
		"unknown relation": {Role: good.Role, Action: good.Action, Relation: "friend"},
		"foreign":          {Role: good.Role, Action: good.Action, Relation: decision.Foreign},
	} {
		if ok, err := e.Allow(t.Context(), in); err != nil || ok {
			t.Errorf("%s: allow = %t, %v, want no", name, ok, err)
		}
	}
}

func TestEveryGrantNamesAKnownActionAndRelation(t *testing.T) {
	t.Parallel()
	roles := constants(t, "../contracts/actor/actor.go", "Role")
	actions := constants(t, "../contracts/decision/decision.go", "Action")
	relations := constants(t, "../contracts/decision/decision.go", "Relation")
	for name, m := range parse(t, regoFiles(t)) {
		if !strings.HasPrefix(name, "rego/access/") || strings.HasSuffix(name, "_test.rego") || strings.Contains(name, "/decision/") {
			continue
		}
		for _, a := range m.Annotations {
			role, _ := a.Custom["role"].(string)
			if !slices.Contains(roles, role) || !strings.HasPrefix(name, "rego/access/"+role+"/") {
				t.Errorf("%s: role %q", name, role)
			}
		}
		for _, word := range strings.FieldsFunc(string(regoFiles(t)[name]), func(r rune) bool { return r == '\n' || r == ',' || r == '{' || r == ':' || r == '}' }) {
			word = strings.TrimSpace(word)
			if !strings.HasPrefix(word, `"`) {
				continue
			}
			if w := strings.Trim(word, `"`); !slices.Contains(actions, w) && !slices.Contains(relations, w) {
				t.Errorf("%s: %s is neither an action nor a relation", name, w)
			}
		}
	}
}
