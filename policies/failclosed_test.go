package policies

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/fact"
)

// rewrite is data.law with one change to the row of request: change is given the row and the versions it lies in.
func rewrite(t *testing.T, change func(row, versions map[string]any)) string {
	t.Helper()
	var data map[string]any
	if err := json.Unmarshal(embeddedFiles(t)["law/data.json"], &data); err != nil {
		t.Fatal(err)
	}
	at := data
	in := request()
	for _, k := range []string{"rows", string(in.Service), string(in.Recipient.Role), in.Basis} {
		next, ok := at[k].(map[string]any)
		if !ok {
			t.Fatalf("data.law has no %s", k)
		}
		at = next
	}
	row, ok := at["2025-10-31T23:00:00Z"].(map[string]any)
	if !ok {
		t.Fatal("data.law has no row for the request")
	}
	change(row, at)
	raw, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// leaks reports whether the policy hands anything over for a raw input, past the check of the input.
func leaks(t *testing.T, p *policy, in decision.Input, term ast.Value) bool {
	t.Helper()
	value, err := engineOn(p).eval(t.Context(), "decide", p.disclosure, term, decodeAnswer)
	if err != nil {
		return false
	}
	a, ok := value.(answer)
	if !ok {
		t.Fatalf("the answer is a %T", value)
	}
	doc, err := p.document(in, a)
	return err == nil && len(doc.Release) > 0
}

func TestWithoutAMemberOfTheInputNothingLeaves(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	p := e.policy.Load()
	in := request()
	if !leaks(t, p, in, disclosureTerm(in)) {
		t.Fatal("the whole request is not carried; the test would prove nothing")
	}
	// what no rule asks for today; its absence is still refused by the check of the input (next test)
	unasked := []string{"package", "step", "sender", "recipient/authority", "recipient/tenant", "recipient/country", "facts/register", "facts/employees", "facts/full_move"}
	members := []string{
		"now", "stage", "service", "package", "step", "purpose", "basis", "sender", "recipient", "recipient/authority",
		"recipient/tenant", "recipient/kind", "recipient/role", "recipient/country", "fields", "facts",
		"facts/not_waived", "facts/register", "facts/employees", "facts/full_move",
	}
	for _, m := range members {
		if got := leaks(t, p, in, without(t, in, m)); got != slices.Contains(unasked, m) {
			t.Errorf("without %s: leaks = %t", m, got)
		}
	}
}

// without is the term of in without one member.
func without(t *testing.T, in decision.Input, member string) ast.Value {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	at, name := tree, member
	if parent, child, ok := strings.Cut(member, "/"); ok {
		at, name = tree[parent].(map[string]any), child
	}
	if _, ok := at[name]; !ok {
		t.Fatalf("the input has no %s", member)
	}
	delete(at, name)
	value, err := ast.InterfaceToValue(tree)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestAnInputWithAnEmptyMemberIsRefusedWithItsPointer(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	var check func(v func(*decision.Input) reflect.Value, pointer string)
	check = func(v func(*decision.Input) reflect.Value, pointer string) {
		in := request()
		field := v(&in)
		if field.Kind() == reflect.Struct {
			for i := range field.NumField() {
				name := field.Type().Field(i).Tag.Get("json")
				check(func(in *decision.Input) reflect.Value { return v(in).Field(i) }, pointer+"/"+name)
			}
			return
		}
		field.SetZero()
		_, err := e.Decide(t.Context(), in)
		if contracts.KindOf(err) != contracts.Invalid {
			t.Errorf("%s: %v, want invalid", pointer, err)
			return
		}
		problems := contracts.ProblemsOf(err)
		if len(problems) != 1 || problems[0].Pointer != pointer || problems[0].Detail == "" {
			t.Errorf("%s: problems %+v", pointer, problems)
		}
	}
	check(func(in *decision.Input) reflect.Value { return reflect.ValueOf(in).Elem() }, "")
}

func TestAnInputHasNoRoomForContent(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	const canary = "Zyxwvut Hornblower-Ährenfeld"
	for name, spoil := range map[string]func(*decision.Input){
		"now":          func(in *decision.Input) { in.Now = canary },
		"odd now":      func(in *decision.Input) { in.Now = "2026-11-25T12:00:00.5Z" },
		"zoned now":    func(in *decision.Input) { in.Now = "2026-11-25T12:00:00+01:00" },
		"stage":        func(in *decision.Input) { in.Stage = canary },
		"service":      func(in *decision.Input) { in.Service = canary },
		"package":      func(in *decision.Input) { in.Package = canary },
		"step":         func(in *decision.Input) { in.Step = canary },
		"purpose":      func(in *decision.Input) { in.Purpose = canary },
		"basis":        func(in *decision.Input) { in.Basis = canary },
		"other basis":  func(in *decision.Input) { in.Basis = "eu-gdpr:A6-1-f" },
		"authority":    func(in *decision.Input) { in.Recipient.Authority = canary },
		"tenant":       func(in *decision.Input) { in.Sender.Tenant = canary },
		"kind":         func(in *decision.Input) { in.Recipient.Kind = canary },
		"role":         func(in *decision.Input) { in.Recipient.Role = canary },
		"country":      func(in *decision.Input) { in.Recipient.Country = canary },
		"field":        func(in *decision.Input) { in.Fields[0] = canary },
		"sub-path":     func(in *decision.Input) { in.Fields[0] = "gewa1.1.name" },
		"wildcard":     func(in *decision.Input) { in.Fields[0] = "gewa1.*" },
		"other case":   func(in *decision.Input) { in.Fields[0] = "GewA1.1" },
		"field twice":  func(in *decision.Input) { in.Fields[1] = in.Fields[0] },
		"no fields":    func(in *decision.Input) { in.Fields = []string{} },
		"too many":     func(in *decision.Input) { in.Fields = make([]string, maxFields+1) },
		"fact name":    func(in *decision.Input) { in.Facts[canary] = true },
		"fact text":    func(in *decision.Input) { in.Facts["register"] = canary },
		"fact list":    func(in *decision.Input) { in.Facts["register"] = []string{canary} },
		"fact null":    func(in *decision.Input) { in.Facts["register"] = nil },
		"fact object":  func(in *decision.Input) { in.Facts["register"] = map[string]any{"name": canary} },
		"fact decimal": func(in *decision.Input) { in.Facts["register"] = 1.5 },
	} {
		in := request()
		spoil(&in)
		doc, err := e.Decide(t.Context(), in)
		if contracts.KindOf(err) != contracts.Invalid {
			t.Errorf("%s: decide = %+v, %v, want invalid", name, doc, err)
			continue
		}
		if strings.Contains(err.Error(), "Hornblower") {
			t.Errorf("%s: the error repeats the value: %v", name, err)
		}
	}
}

func TestTheTermIsTheStructAndNothingElse(t *testing.T) {
	t.Parallel()
	in := request()
	in.Facts["share"] = 7
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	want, err := ast.ValueFromReader(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if got := disclosureTerm(in); got.Compare(want) != 0 {
		t.Errorf("term\n%v\nwant\n%v", got, want)
	}
	var recorded decision.Input
	if err := json.Unmarshal(raw, &recorded); err != nil {
		t.Fatal(err)
	}
	if got := disclosureTerm(recorded); got.Compare(want) != 0 {
		t.Errorf("the term of a recorded input differs:\n%v\nwant\n%v", got, want)
	}
	access := decision.AccessInput{Role: "r", Action: "a", Relation: "x"}
	if raw, err = json.Marshal(access); err != nil {
		t.Fatal(err)
	}
	if want, err = ast.ValueFromReader(strings.NewReader(string(raw))); err != nil {
		t.Fatal(err)
	}
	if got := accessTerm(access); got.Compare(want) != 0 {
		t.Errorf("term %v, want %v", got, want)
	}
}

func TestTheSchemaOfTheInputIsClosed(t *testing.T) {
	t.Parallel()
	schema := inputSchema(reflect.TypeFor[decision.Input]())
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	if schema["additionalProperties"] != false || len(properties) != reflect.TypeFor[decision.Input]().NumField() || len(required) != len(properties) {
		t.Errorf("schema %v", schema)
	}
	recipient, _ := properties["recipient"].(map[string]any)
	if recipient["additionalProperties"] != false {
		t.Errorf("schema of a party %v", recipient)
	}
}

func TestWithoutAMemberOfTheRowNothingLeaves(t *testing.T) {
	t.Parallel()
	for member := range reflect.TypeFor[rowData]().Fields() {
		name := member.Tag.Get("json")
		p, err := loadChanged(t, "law/data.json", rewrite(t, func(row, _ map[string]any) {
			if _, ok := row[name]; !ok {
				t.Errorf("the row has no %s", name)
			}
			delete(row, name)
		}))
		if err != nil {
			t.Fatal(err)
		}
		if in := request(); leaks(t, p, in, disclosureTerm(in)) {
			t.Errorf("without %s of the row something leaves", name)
		}
	}
	p, err := loadChanged(t, "law/data.json", rewrite(t, func(_, versions map[string]any) { clear(versions) }))
	if err != nil {
		t.Fatal(err)
	}
	if in := request(); leaks(t, p, in, disclosureTerm(in)) {
		t.Error("without the row something leaves")
	}
}

func TestWithoutLawNothingLeaves(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{"retain": "P2Y"}`, `{"retain": "P2Y", "rows": {}}`, `{"retain": "P2Y", "rows": null}`, `{"retain": "P2Y", "rows": []}`} {
		p, err := loadChanged(t, "law/data.json", data)
		if err != nil {
			t.Fatal(err)
		}
		if in := request(); leaks(t, p, in, disclosureTerm(in)) {
			t.Errorf("with the law %s something leaves", data)
		}
	}
	for _, data := range []string{`{}`, `{"retain": ""}`, `{"retain": 2}`} {
		if _, err := loadChanged(t, "law/data.json", data); err == nil {
			t.Errorf("a bundle with the law %s loads", data)
		}
	}
}

func TestWithoutARuleNothingLeaves(t *testing.T) {
	t.Parallel()
	for file := range embeddedFiles(t) {
		if !strings.HasPrefix(file, "efa/disclosure/") {
			continue
		}
		p, err := loadChanged(t, file, "")
		if err != nil {
			continue // the bundle does not load: what was in force stays
		}
		if in := request(); leaks(t, p, in, disclosureTerm(in)) {
			t.Errorf("without %s something leaves", file)
		}
	}
}

func TestAFactOfAnotherTypeProvesNothing(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	for _, value := range []any{"true", 1, int64(1), false} {
		in := request()
		in.Facts = fact.Values{"not_waived": value}
		doc, err := e.Decide(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if doc.Outcome != decision.Refuse {
			t.Errorf("not_waived = %v: %s", value, doc.Outcome)
		}
	}
}
