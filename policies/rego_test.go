package policies

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"

	"github.com/efa-broker/efa-broker/contracts/law"
)

var update = flag.Bool("update", false, "rewrite golden files and format the rules")

// regoFiles are all rules and their tests by path.
func regoFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := fs.WalkDir(embeddedRules, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !strings.HasSuffix(p, ".rego") {
			t.Errorf("%s: only rules and their tests lie under rego", p)
			return nil
		}
		raw, err := fs.ReadFile(embeddedRules, p)
		files[p] = raw
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d rego files were read", len(files))
	}
	return files
}

// parse parses files with their METADATA.
func parse(t *testing.T, files map[string][]byte) map[string]*ast.Module {
	t.Helper()
	out := map[string]*ast.Module{}
	for name, src := range files {
		m, err := ast.ParseModuleWithOpts(name, string(src), ast.ParserOptions{ProcessAnnotation: true, Capabilities: capabilities()})
		if err != nil {
			t.Fatal(err)
		}
		out[name] = m
	}
	return out
}

// ruleTests runs the rego tests over modules; it returns the names of those that failed and what was covered.
func ruleTests(t *testing.T, modules map[string]*ast.Module) (failed []string, coverage cover.Report) {
	t.Helper()
	ctx := t.Context()
	cov := cover.New()
	store := inmem.New()
	var ran int
	err := storage.Txn(ctx, store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		results, err := tester.NewRunner().SetStore(store).SetModules(modules).RaiseBuiltinErrors(true).
			SetCoverageQueryTracer(cov).SetTimeout(time.Minute).SetParallel(1).RunTests(ctx, txn)
		if err != nil {
			return err
		}
		for r := range results {
			ran++
			if !r.Pass() {
				failed = append(failed, fmt.Sprintf("%s: %v", r, r.Error))
			}
		}
		return nil
	})
	if err != nil {
		return []string{"compile: " + err.Error()}, cover.Report{}
	}
	if ran == 0 {
		return []string{"no test ran"}, cover.Report{}
	}
	return failed, cov.Report(modules)
}

func TestRegoIsFormatted(t *testing.T) {
	t.Parallel()
	for name, src := range regoFiles(t) {
		want, err := format.SourceWithOpts(name, src, format.Opts{RegoVersion: ast.RegoV1})
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(name, want, 0o600); err != nil {
				t.Fatal(err)
			}
		} else if !bytes.Equal(want, src) {
			t.Errorf("%s is not formatted (-file +formatted):\n%s", name, cmp.Diff(string(src), string(want)))
		}
	}
}

func TestEveryRuleFolderHasARuleAndItsTest(t *testing.T) {
	t.Parallel()
	files := regoFiles(t)
	for name := range files {
		folder := path.Base(path.Dir(name))
		for _, want := range []string{folder + ".rego", folder + "_test.rego"} {
			if _, ok := files[path.Join(path.Dir(name), want)]; !ok {
				t.Errorf("%s: the folder lacks %s", name, want)
			}
		}
	}
}

func TestTheRuleTestsPassAndCoverEveryRule(t *testing.T) {
	t.Parallel()
	modules := parse(t, regoFiles(t))
	failed, report := ruleTests(t, modules)
	for _, f := range failed {
		t.Error(f)
	}
	for name, file := range report.Files {
		if !strings.HasSuffix(name, "_test.rego") && file.Coverage != 100 {
			t.Errorf("%s: %.0f %% covered, not covered: %v", name, file.Coverage, file.NotCovered)
		}
	}
	for name := range modules {
		if _, ok := report.Files[name]; !ok && !strings.HasSuffix(name, "_test.rego") {
			t.Errorf("%s: no coverage was measured", name)
		}
	}
}

func TestEveryRuleCitesItsNorm(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	catalogue := e.policy.Load().catalogue
	provenBy := map[string]string{}
	for name, m := range parse(t, regoFiles(t)) {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		titled := 0
		for _, a := range m.Annotations {
			norms, _ := a.Custom["norms"].([]any)
			if a.Title == "" || len(norms) == 0 {
				t.Errorf("%s: METADATA without title or norms", a.Location)
			}
			titled++
			code, _ := a.Custom["requirement"].(string)
			if code == "" {
				continue
			}
			if provenBy[code] != "" {
				t.Errorf("%s: %s is proven by %s too", name, code, provenBy[code])
			}
			provenBy[code] = name
			if !slices.Contains(norms, any(catalogue[code].Norm)) {
				t.Errorf("%s: the norms %v lack %q of the catalogue", name, norms, catalogue[code].Norm)
			}
			if strings.ReplaceAll(code, ".", "_") != path.Base(path.Dir(name)) {
				t.Errorf("%s: proves %s", name, code)
			}
		}
		if titled == 0 {
			t.Errorf("%s: no METADATA", name)
		}
	}
	for code := range catalogue {
		if provenBy[code] == "" {
			t.Errorf("no rule folder proves %s", code)
		}
	}
	if len(provenBy) != len(catalogue) {
		t.Errorf("%d rule folders for %d requirements", len(provenBy), len(catalogue))
	}
}

func TestRulesSpeakOfRequirementsOnly(t *testing.T) {
	t.Parallel()
	for name, m := range parse(t, regoFiles(t)) {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		ast.WalkExprs(m, func(e *ast.Expr) bool {
			if e.Negated {
				t.Errorf("%s: not: an undefined member would prove something", e.Location)
			}
			return false
		})
		for _, r := range m.Rules {
			if r.Default && !r.Head.Value.Equal(ast.BooleanTerm(false)) {
				t.Errorf("%s: a default that is not false", r.Location)
			}
		}
	}
}

// embeddedFiles are the files of the embedded bundle.
func embeddedFiles(t *testing.T) map[string][]byte {
	t.Helper()
	book, err := law.Load()
	if err != nil {
		t.Fatal(err)
	}
	files, err := bundleFiles(embeddedRules, book)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// loadChanged loads the embedded bundle with one file replaced, or left out when src is empty.
func loadChanged(t *testing.T, file, src string) (*policy, error) {
	t.Helper()
	return loadReplaced(t, embeddedFiles(t), file, src)
}

// loadReplaced loads a bundle of files with one replaced, or left out when src is empty.
func loadReplaced(t *testing.T, files map[string][]byte, file, src string) (*policy, error) {
	t.Helper()
	if _, ok := files[file]; !ok {
		t.Fatalf("the bundle has no %s", file)
	}
	files = maps.Clone(files)
	if files[file] = []byte(src); src == "" {
		delete(files, file)
	}
	raw, err := pack(files)
	if err != nil {
		t.Fatal(err)
	}
	return loadPolicy(t.Context(), raw)
}

func TestABundleWithABadRuleDoesNotLoad(t *testing.T) {
	t.Parallel()
	const purposeRule = "efa/disclosure/purpose_bound/purpose_bound.rego"
	const head = "package efa.disclosure\n\nimport rego.v2\n\n"
	for _, c := range []struct{ name, src, want string }{
		{"a misspelt member of the input", head + `proof["purpose.bound"] := requested if input.porpose in row.purposes`, "undefined ref: input.porpose"},
		{"a misspelt member of a party", head + `proof["purpose.bound"] := requested if input.recipient.knd in row.purposes`, "undefined ref: input.recipient.knd"},
		{"a member of the other question", head + `proof["purpose.bound"] := requested if input.relation in row.purposes`, "undefined ref: input.relation"},
		{"an unused variable", head + "proof[\"purpose.bound\"] := requested if {\n\tunused := 1\n\tinput.purpose in row.purposes\n}", "unused"},
		{"the clock", head + `proof["purpose.bound"] := requested if time.now_ns() > 0`, "undefined function time.now_ns"},
		{"the network", head + `proof["purpose.bound"] := requested if http.send({"method": "get", "url": "http://localhost"}).status_code == 200`, "undefined function http.send"},
		{"the machine's zone", head + `proof["purpose.bound"] := requested if time.format([0, "Local"]) != ""`, "undefined function time.format"},
		{"certificates at the current time", head + `proof["purpose.bound"] := requested if crypto.x509.parse_and_verify_certificates("")[0]`, "undefined function crypto.x509"},
		{"the runtime", head + `proof["purpose.bound"] := requested if opa.runtime().env.HOME != ""`, "undefined function opa.runtime"},
		{"a rule outside both questions", "package efa.other\n\nimport rego.v2\n\nallow := true", "outside"},
		{"no rego", "package", "parse"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := loadChanged(t, purposeRule, c.src)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("load = %v, want an error with %q", err, c.want)
			}
		})
	}
	if _, err := loadChanged(t, purposeRule, head+`proof["purpose.bound"] := requested if input.purpose in row.purposes`); err != nil {
		t.Errorf("the unchanged rule does not load: %v", err)
	}
}
