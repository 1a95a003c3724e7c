package main_test

import (
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages lists the Markdown files for people.
func pages(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, file := range treeFiles(t) {
		if strings.HasSuffix(file, ".md") && !strings.Contains(file, "testdata/") {
			found = append(found, file)
		}
	}
	if len(found) < 6 {
		t.Fatalf("only %d pages were read: the check looked at the wrong tree", len(found))
	}
	return found
}

var (
	link     = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)
	testName = regexp.MustCompile("`(Test[A-Z]\\w+)`")
	treePath = regexp.MustCompile("`((?:contracts|policies|workflows|adapters|broker|deploy)/[\\w./-]+)`")
)

func TestLinksOfThePagesLeadSomewhere(t *testing.T) {
	t.Parallel()
	files := treeFiles(t)
	for _, page := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(readRoot(t, page), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			if target := path.Join(path.Dir(page), match[1]); !exists(files, target) {
				t.Errorf("%s links to %s, which does not exist", page, target)
			}
		}
	}
}

func TestPathsInThePagesExist(t *testing.T) {
	t.Parallel()
	files := treeFiles(t)
	for _, page := range pages(t) {
		for _, match := range treePath.FindAllStringSubmatch(readRoot(t, page), -1) {
			if target := path.Clean(match[1]); !exists(files, target) {
				t.Errorf("%s names %s, which does not exist", page, target)
			}
		}
	}
}

// exists reports whether a file or folder of that name is among the files.
func exists(files []string, target string) bool {
	return target == "." || slices.ContainsFunc(files, func(file string) bool {
		return file == target || strings.HasPrefix(file, target+"/")
	})
}

func TestThePagesNameOnlyTestsThatExist(t *testing.T) {
	t.Parallel()
	tests := testNames(t)
	for _, page := range pages(t) {
		for _, match := range testName.FindAllStringSubmatch(readRoot(t, page), -1) {
			if !tests[match[1]] {
				t.Errorf("%s names %s, which does not exist", page, match[1])
			}
		}
	}
}

// testNames is the set of all test functions of the module.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, sources := range packages(t) {
		for _, s := range sources {
			for _, declaration := range s.syntax.Decls {
				if f, ok := declaration.(*ast.FuncDecl); ok && s.test && f.Recv == nil {
					names[f.Name.Name] = true
				}
			}
		}
	}
	return names
}

var featureRow = regexp.MustCompile(`(?m)^\| ([A-Z]{2}-\d\d) \| ([^|]+) \| (\w[\w ]*) \| ([^|]+) \|$`)

func TestEachFeatureThatWorksNamesItsTest(t *testing.T) {
	t.Parallel()
	rows := featureRow.FindAllStringSubmatch(readRoot(t, "FEATURES.md"), -1)
	if len(rows) != 134 {
		t.Errorf("FEATURES.md has %d rows, want 134", len(rows))
	}
	seen := map[string]bool{}
	for _, row := range rows {
		id, status, proof := row[1], row[3], row[4]
		if seen[id] {
			t.Errorf("%s stands twice", id)
		}
		seen[id] = true
		switch status {
		case "works", "partly":
			if !testName.MatchString(proof) && !strings.Contains(proof, "`.ci/run`") {
				t.Errorf("%s is said to be %q but names no test", id, status)
			}
		case "not yet":
			if testName.MatchString(proof) {
				t.Errorf("%s names a test although it does not work yet", id)
			}
		default:
			t.Errorf("%s has status %q", id, status)
		}
	}
}
