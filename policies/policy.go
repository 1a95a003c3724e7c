package policies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/efa-broker/efa-broker/contracts/decision"
)

// The packages of the two questions.
const (
	disclosurePackage = "data.efa.disclosure"
	accessPackage     = "data.efa.access"
)

// policy is one bundle, ready to answer. It is immutable: another bundle is another policy.
type policy struct {
	raw                []byte
	revision           decision.Revision
	disclosure, access rego.PreparedEvalQuery
	// catalogue is the legend of the requirements.
	catalogue map[string]decision.Reason
	// retain is how long a record is kept on which no row bears.
	retain string
}

// loadPolicy compiles a bundle: strict, against the closed schemas, without impure builtins.
func loadPolicy(ctx context.Context, raw []byte) (*policy, error) {
	b, err := readBundle(raw)
	if err != nil {
		return nil, err
	}
	p := &policy{raw: raw, revision: decision.Revision{Policy: revisionOf(raw), Engine: engineName()}}
	if p.retain, err = retainOf(b.Data); err != nil {
		return nil, err
	}
	store := inmem.NewFromObjectWithOpts(b.Data, inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	rules, access := modulesOf(b, disclosurePackage), modulesOf(b, accessPackage)
	if len(rules)+len(access) != len(b.Modules) {
		return nil, errors.New("the bundle holds rules outside efa.disclosure and efa.access")
	}
	compiled, err := compile[decision.Input](rules)
	if err != nil {
		return nil, err
	}
	if p.disclosure, err = prepare(ctx, disclosurePackage+".decision", compiled, store); err != nil {
		return nil, err
	}
	if p.catalogue, err = readCatalogue(ctx, compiled, store); err != nil {
		return nil, err
	}
	if compiled, err = compile[decision.AccessInput](access); err != nil {
		return nil, err
	}
	p.access, err = prepare(ctx, accessPackage+".allow", compiled, store)
	return p, err
}

// compile compiles the rules of one question whose input is of type T.
func compile[T any](modules map[string]*ast.Module) (*ast.Compiler, error) {
	c := ast.NewCompiler().WithCapabilities(capabilities()).WithSchemas(inputSchemas[T]()).WithStrict(true)
	if c.Compile(modules); c.Failed() {
		return nil, fmt.Errorf("compile rules: %w", c.Errors)
	}
	return c, nil
}

// prepare makes a query over compiled rules ready to be asked.
func prepare(ctx context.Context, query string, rules *ast.Compiler, store storage.Store) (rego.PreparedEvalQuery, error) {
	q, err := rego.New(rego.Query(query), rego.Compiler(rules), rego.Store(store), rego.Capabilities(capabilities()),
		rego.Strict(true), rego.StrictBuiltinErrors(true)).PrepareForEval(ctx)
	if err != nil {
		return rego.PreparedEvalQuery{}, fmt.Errorf("prepare %s: %w", query, err)
	}
	return q, nil
}

// modulesOf picks the modules of one package by their path.
func modulesOf(b bundle.Bundle, pkg string) map[string]*ast.Module {
	out := map[string]*ast.Module{}
	for _, m := range b.Modules {
		if m.Parsed.Package.Path.String() == pkg {
			out[m.Path] = m.Parsed
		}
	}
	return out
}

// readCatalogue reads the requirements with norm and titles. A requirement without them is refused: it could not be
// explained.
func readCatalogue(ctx context.Context, rules *ast.Compiler, store storage.Store) (map[string]decision.Reason, error) {
	q, err := prepare(ctx, disclosurePackage+".requirements", rules, store)
	if err != nil {
		return nil, err
	}
	rs, err := q.Eval(ctx, rego.EvalParsedInput(ast.NewObject()))
	if err != nil || len(rs) != 1 {
		return nil, fmt.Errorf("read the catalogue of requirements: %w", errors.Join(err, errUndefined(len(rs))))
	}
	raw, err := json.Marshal(rs[0].Expressions[0].Value)
	if err != nil {
		return nil, fmt.Errorf("read the catalogue of requirements: %w", err)
	}
	var catalogue map[string]decision.Reason
	if err := json.Unmarshal(raw, &catalogue); err != nil {
		return nil, fmt.Errorf("read the catalogue of requirements: %w", err)
	}
	for code, r := range catalogue {
		if r.Norm == "" || r.Title["de"] == "" || r.Title["en"] == "" {
			return nil, fmt.Errorf("requirement %s: want a norm and titles in German and English", code)
		}
	}
	if len(catalogue) == 0 {
		return nil, errors.New("the catalogue of requirements is empty")
	}
	return catalogue, nil
}

// retainOf reads data.law.retain.
func retainOf(data map[string]any) (string, error) {
	law, _ := data["law"].(map[string]any)
	retain, _ := law["retain"].(string)
	if retain == "" {
		return "", errors.New("the bundle does not say how long a record is kept")
	}
	return retain, nil
}

// errUndefined is nil for the one result that an answer must have.
func errUndefined(results int) error {
	if results == 1 {
		return nil
	}
	return errors.New("the answer is undefined")
}
