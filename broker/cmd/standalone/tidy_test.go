package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Sizes that only ask for a second look, and those that fail.
const (
	lookFileLines    = 400
	failFileLines    = 800
	lookPackageLines = 1000
	failPackageLines = 2000
	failFuncLines    = 70
)

// source is one parsed Go file.
type source struct {
	path      string
	lines     int
	generated bool
	test      bool
	set       *token.FileSet
	syntax    *ast.File
}

func parseSource(name string, text []byte) (source, error) {
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	return source{
		path:      name,
		lines:     strings.Count(string(text), "\n"),
		generated: ast.IsGenerated(syntax),
		test:      strings.HasSuffix(name, "_test.go"),
		set:       set,
		syntax:    syntax,
	}, nil
}

// parsed reads the hand-written sources of the module once for all checks, grouped by folder.
var parsed = sync.OnceValues(func() (map[string][]source, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	files, err := walk(root)
	if err != nil {
		return nil, err
	}
	all := map[string][]source{}
	for _, file := range onlyGo(files) {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return nil, err
		}
		s, err := parseSource(file, text)
		if err != nil {
			return nil, err
		}
		if !s.generated {
			all[path.Dir(file)] = append(all[path.Dir(file)], s)
		}
	}
	return all, nil
})

// packages hands out what parsed read, and fails when that cannot be the whole tree.
func packages(t *testing.T) map[string][]source {
	t.Helper()
	all, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 15 {
		t.Fatalf("only %d packages were read: the check looked at the wrong tree", len(all))
	}
	return all
}

func TestFilesAndPackagesStaySmall(t *testing.T) {
	t.Parallel()
	for folder, sources := range packages(t) {
		production := 0
		for _, s := range sources {
			if !s.test {
				production += s.lines
			}
			sized(t, s.path, s.lines, lookFileLines, failFileLines)
		}
		sized(t, folder, production, lookPackageLines, failPackageLines)
	}
}

func sized(t *testing.T, name string, lines, look, fail int) {
	t.Helper()
	switch {
	case lines > fail:
		t.Errorf("%s has %d lines, more than %d: split it by noun", name, lines, fail)
	case lines > look:
		t.Logf("%s has %d lines, more than %d: look twice", name, lines, look)
	}
}

func TestEachPackageSaysWhatItOwns(t *testing.T) {
	t.Parallel()
	for folder, sources := range packages(t) {
		if why := undocumented(sources); why != "" {
			t.Errorf("%s: %s", folder, why)
		}
	}
}

// undocumented says what is missing: doc.go with a package comment. A package of one file may carry the comment there,
// and a program in main.go.
func undocumented(sources []source) string {
	var production []source
	for _, s := range sources {
		if !s.test {
			production = append(production, s)
		}
	}
	if len(production) == 0 {
		return ""
	}
	for _, s := range production {
		home := path.Base(s.path) == "doc.go" || len(production) == 1 ||
			(s.syntax.Name.Name == "main" && path.Base(s.path) == "main.go")
		if home && s.syntax.Doc != nil {
			return ""
		}
	}
	return "no doc.go with a package comment"
}

func TestNoFunctionIsLongerThanAScreen(t *testing.T) {
	t.Parallel()
	for _, sources := range packages(t) {
		for _, s := range sources {
			if s.test {
				continue
			}
			for _, f := range longFunctions(s) {
				t.Errorf("%s: %s has more than %d lines", s.path, f, failFuncLines)
			}
		}
	}
}

// longFunctions names the functions of a file above failFuncLines, counted as funlen does: comment lines are free.
func longFunctions(s source) []string {
	var long []string
	for _, declaration := range s.syntax.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		lines := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line - 1
		for _, group := range s.syntax.Comments {
			if group.Pos() > f.Body.Pos() && group.End() < f.Body.End() {
				lines -= s.set.Position(group.End()).Line - s.set.Position(group.Pos()).Line + 1
			}
		}
		if lines > failFuncLines {
			long = append(long, f.Name.Name)
		}
	}
	return long
}

func TestOpenEndsNameAnIssue(t *testing.T) {
	t.Parallel()
	for _, sources := range packages(t) {
		for _, s := range sources {
			for _, comment := range openEnds(s) {
				t.Errorf("%s: open end without an issue: %s", s.path, comment)
			}
		}
	}
}

var (
	openEnd = regexp.MustCompile(`\b(` + strings.Join([]string{"TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"}, "|") + `)\b`)
	issue   = regexp.MustCompile(`#\d+`)
)

// openEnds lists comment lines that promise later work without naming an issue.
func openEnds(s source) []string {
	var found []string
	for _, group := range s.syntax.Comments {
		for line := range strings.Lines(group.Text()) {
			if openEnd.MatchString(line) && !issue.MatchString(line) {
				found = append(found, strings.TrimSpace(line))
			}
		}
	}
	return found
}

func TestNoTestWaitsBySleeping(t *testing.T) {
	t.Parallel()
	for _, sources := range packages(t) {
		for _, s := range sources {
			if s.test && sleeps(s) {
				t.Errorf("%s sleeps: wait for a signal, or use testing/synctest", s.path)
			}
		}
	}
}

// sleeps reports whether a file calls Sleep of package time.
func sleeps(s source) bool {
	found := false
	ast.Inspect(s.syntax, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok && selector.Sel.Name == "Sleep" {
			if pkg, ok := selector.X.(*ast.Ident); ok && pkg.Name == "time" {
				found = true
			}
		}
		return true
	})
	return found
}

func TestTestdataBelongsToATest(t *testing.T) {
	t.Parallel()
	all := packages(t)
	folders := map[string]bool{}
	for _, file := range treeFiles(t) {
		if before, _, ok := strings.Cut(file, "testdata/"); ok {
			folders[path.Clean(before)] = true
		}
	}
	for folder := range folders {
		if !slices.ContainsFunc(all[folder], mentionsTestdata) {
			t.Errorf("%s/testdata is read by no Go file beside it", folder)
		}
	}
}

// mentionsTestdata reports whether a string or directive of the file names the testdata folder.
func mentionsTestdata(s source) bool {
	found := false
	ast.Inspect(s.syntax, func(node ast.Node) bool {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING && strings.Contains(literal.Value, "testdata") {
			found = true
		}
		return true
	})
	return found
}

func TestTidyChecksNoticeEachFault(t *testing.T) {
	t.Parallel()
	long := "package p\nfunc Long() {\n" + strings.Repeat("\tprintln()\n", failFuncLines+1) + "}\n"
	commented := "package p\nfunc Fine() {\n" + strings.Repeat("\t// why\n", failFuncLines+1) + "}\n"
	parse := func(name, text string) source {
		s, err := parseSource(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}

	if got := longFunctions(parse("p/p.go", long)); !slices.Equal(got, []string{"Long"}) {
		t.Errorf("longFunctions = %v, want Long", got)
	}
	if got := longFunctions(parse("p/p.go", commented)); got != nil {
		t.Errorf("longFunctions counts comments: %v", got)
	}
	if got := openEnds(parse("p/p.go", "package p\n// TO"+"DO later\n// TO"+"DO(#12): later\n")); len(got) != 1 {
		t.Errorf("openEnds = %v, want the one without an issue", got)
	}
	if !sleeps(parse("p/p_test.go", "package p\nimport \"time\"\nfunc f() { time.Sleep(1) }\n")) {
		t.Error("sleeps overlooks a call")
	}
	two := []source{parse("p/a.go", "// Package p is p.\npackage p\n"), parse("p/b.go", "package p\n")}
	if undocumented(two) == "" {
		t.Error("undocumented accepts two files without doc.go")
	}
	if why := undocumented(two[:1]); why != "" {
		t.Errorf("undocumented refuses a package of one documented file: %s", why)
	}
}
