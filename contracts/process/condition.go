package process

import (
	"errors"
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/fact"
)

// Limits of a condition.
const (
	// CostLimit bounds the evaluation of one condition, in CEL's units of cost.
	CostLimit = 10_000
	// MaxCondition is the size of an expression in characters.
	MaxCondition = 2_000
)

// condition is a compiled expression; a nil program is "always".
type condition struct {
	program cel.Program
}

// When reports whether the step with index step is to be taken. facts are those of the case and of awaited outcomes,
// outcomes the answers of awaited tasks by step id. It has no clock and no other input, so equal arguments give equal
// answers in every replay. It fails with an Internal error when the expression meets a value that the loader could not
// foresee, or a result that is no bool; the error's text holds no value.
func (d *Definition) When(step int, facts fact.Values, outcomes map[string]string) (bool, error) {
	const op = "evaluate condition"
	if step < 0 || step >= len(d.conditions) {
		return false, contracts.Errorf(contracts.Internal, op, "there is no step %d", step)
	}
	program := d.conditions[step].program
	if program == nil {
		return true, nil
	}
	answers := make(map[string]any, len(outcomes))
	for id, o := range outcomes {
		answers[id] = o
	}
	v, _, err := program.Eval(map[string]any{rootFacts: map[string]any(facts), rootOutcome: answers})
	if err != nil {
		return false, contracts.Errorf(contracts.Internal, op, "step %s: %w", d.Steps[step].ID, err)
	}
	b, ok := v.Value().(bool)
	if !ok {
		return false, contracts.Errorf(contracts.Internal, op, "step %s: the result is no bool", d.Steps[step].ID)
	}
	return b, nil
}

// compile checks the condition of one step against what it can see. The problems are texts for the author.
func compile(src string, sc scope) (condition, []string) {
	if src == "" {
		return condition{}, nil
	}
	env, err := newEnv(sc)
	if err != nil {
		return condition{}, []string{err.Error()}
	}
	parsed, issues := env.Parse(src)
	if issues.Err() != nil {
		return condition{}, texts(issues)
	}
	if problems := inspect(parsed.NativeRep(), sc); len(problems) > 0 {
		return condition{}, problems
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return condition{}, texts(issues)
	}
	if !checked.OutputType().IsExactType(cel.BoolType) {
		return condition{}, []string{fmt.Sprintf("is of type %s, want bool", checked.OutputType())}
	}
	program, err := env.Program(checked, cel.CostLimit(CostLimit))
	if err != nil {
		return condition{}, []string{err.Error()}
	}
	return condition{program: program}, nil
}

func texts(issues *cel.Issues) []string {
	var all []string
	for _, e := range issues.Errors() {
		all = append(all, fmt.Sprintf("column %d: %s", e.Location.Column()+1, e.Message))
	}
	return all
}

// newEnv is CEL without macros besides has(), with one object type per variable, so that a wrong field or type is found
// when the definition is loaded.
func newEnv(sc scope) (*cel.Env, error) {
	base, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	return cel.NewCustomEnv(
		cel.CustomTypeAdapter(base),
		cel.CustomTypeProvider(&provider{Provider: base, scope: sc}),
		cel.StdLib(),
		cel.ClearMacros(),
		cel.Macros(cel.HasMacro),
		cel.ParserExpressionSizeLimit(MaxCondition),
		cel.Variable(rootFacts, cel.ObjectType(rootFacts)),
		cel.Variable(rootOutcome, cel.ObjectType(rootOutcome)),
	)
}

// provider gives the two variables a type with exactly the fields that a scope shows.
type provider struct {
	types.Provider
	scope scope
}

// FindStructType knows the types of the two variables, and what CEL itself knows.
func (p *provider) FindStructType(t string) (*types.Type, bool) {
	if t == rootFacts || t == rootOutcome {
		return types.NewTypeTypeWithParam(types.NewObjectType(t)), true
	}
	return p.Provider.FindStructType(t)
}

// FindStructFieldType finds a visible fact or outcome.
func (p *provider) FindStructFieldType(t, field string) (*types.FieldType, bool) {
	e, ok := p.scope.visible[name{t, field}]
	if !ok {
		return nil, false
	}
	return &types.FieldType{
		Type: celType(e.decl),
		IsSet: func(target any) bool {
			values, ok := target.(map[string]any)
			return ok && values[field] != nil
		},
		GetFrom: func(target any) (any, error) {
			values, _ := target.(map[string]any)
			return value(e.decl, values[field])
		},
	}, true
}

func celType(d fact.Declaration) *types.Type {
	switch d.Type {
	case "boolean":
		return types.BoolType
	case "integer":
		return types.IntType
	}
	return types.StringType
}

var (
	errAbsent = errors.New("a fact or outcome is absent")
	errType   = errors.New("a fact is not of its declared type")
)

// value is v in the type that the expression was checked with; a number may have come through JSON.
func value(d fact.Declaration, v any) (any, error) {
	switch x := v.(type) {
	case nil:
		return nil, errAbsent
	case bool:
		if d.Type == "boolean" {
			return x, nil
		}
	case string:
		if d.Type == "enum" {
			return x, nil
		}
	case int64:
		if d.Type == "integer" {
			return x, nil
		}
	case float64:
		if d.Type == "integer" && x == float64(int64(x)) {
			return int64(x), nil
		}
	}
	return nil, errType
}
