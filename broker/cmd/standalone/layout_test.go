package main_test

import (
	"errors"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/efa-broker/efa-broker/"

// siblings says which top folders a top folder may import besides itself. broker/cmd is exempt: all meet there.
func siblings() map[string][]string {
	return map[string][]string{
		"contracts": nil,
		"policies":  {"contracts"},
		"workflows": {"contracts"},
		"adapters":  {"contracts"},
		"broker":    {"contracts"},
	}
}

// home binds an import prefix to the folders that may name it.
type home struct {
	prefix  string
	folders []string
	// everywhereInCmd allows broker/cmd as well.
	everywhereInCmd bool
}

func homes() []home {
	return []home{
		{"github.com/open-policy-agent/", []string{"policies"}, true},
		{"go.temporal.io/server/", []string{"workflows/localtemporal"}, false},
		{"go.temporal.io/", []string{"workflows"}, true},
		{"github.com/segmentio/kafka-go", []string{"adapters/eventlog/kafkalog"}, true},
		{"github.com/twmb/", []string{"adapters/eventlog/localkafka"}, false},
		{"github.com/google/cel-go/", []string{"contracts/process"}, true},
		{"github.com/cloudevents/", []string{"contracts", "adapters"}, true},
		{"go.opentelemetry.io/", []string{"broker/internal/trace"}, true},
		{module + "adapters/eventlog/localkafka", []string{"broker/cmd/standalone", "adapters/eventlog/localkafka"}, false},
		{module + "workflows/localtemporal", []string{"broker/cmd/standalone", "workflows/localtemporal"}, false},
	}
}

// violation explains why a package in folder may not import path, or returns "".
func violation(folder, path string) string {
	inCmd := within(folder, "broker/cmd")
	for _, h := range homes() {
		if !strings.HasPrefix(path, h.prefix) || (inCmd && h.everywhereInCmd) {
			continue
		}
		if !withinAny(folder, h.folders) {
			return h.prefix + " has its home in " + strings.Join(h.folders, ", ")
		}
	}
	target, ours := strings.CutPrefix(path, module)
	if !ours || inCmd {
		return ""
	}
	return directionViolation(folder, target)
}

// directionViolation checks an import within the module: rooms, and domains of the broker.
func directionViolation(folder, target string) string {
	room, _, _ := strings.Cut(folder, "/")
	allowed, known := siblings()[room]
	if !known {
		return "no room of the house is called " + room
	}
	if !within(target, room) {
		if !withinAny(target, allowed) {
			return room + " imports only " + strings.Join(append([]string{"itself"}, allowed...), " and ")
		}
		return ""
	}
	if room != "broker" || within(target, "broker/internal") || within(target, domainOf(folder)) {
		return ""
	}
	return "domains of the broker do not import each other"
}

// domainOf is the first two elements of a folder: broker/ledger of broker/ledger/outbox.
func domainOf(folder string) string {
	parts := strings.SplitN(folder, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

func within(folder, root string) bool { return folder == root || strings.HasPrefix(folder, root+"/") }

func withinAny(folder string, roots []string) bool {
	for _, root := range roots {
		if within(folder, root) {
			return true
		}
	}
	return false
}

func TestEachPackageImportsOnlyWhatItsRoomMay(t *testing.T) {
	t.Parallel()
	read := 0
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue // a test may bring the rooms together; depguard covers tests where it matters
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), filepath.Join(moduleRoot(t), file), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatalf("parse %s: %v", file, err)
		}
		read++
		for _, spec := range syntax.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatalf("unquote import of %s: %v", file, err)
			}
			if why := violation(filepath.ToSlash(filepath.Dir(file)), path); why != "" {
				t.Errorf("%s imports %s: %s", file, path, why)
			}
		}
	}
	if read < 20 {
		t.Fatalf("only %d files were read: the check looked at the wrong tree", read)
	}
}

func TestLayoutRuleRefusesEachWrongDirection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		folder, path string
		refused      bool
	}{
		{"contracts/task", module + "contracts/key", false},
		{"contracts/task", module + "policies", true},
		{"policies", module + "contracts/decision", false},
		{"policies", module + "broker/release", true},
		{"workflows/permit", module + "adapters/eventlog", true},
		{"adapters/backoffice/pull", module + "broker/delivery", true},
		{"broker/release", module + "broker/internal/sqlstore", false},
		{"broker/release", module + "broker/release/guard", false},
		{"broker/release", module + "broker/ledger", true},
		{"broker/release", module + "policies", true},
		{"broker/internal/httpserver", module + "broker/ledger", true},
		{"broker/cmd/standalone", module + "broker/ledger", false},
		{"broker/cmd/standalone", module + "workflows/localtemporal", false},
		{"broker/cmd/efabroker", module + "workflows/localtemporal", true},
		{"adapters/eventlog/memlog", module + "adapters/eventlog/localkafka", true},
		{"broker/release", "github.com/open-policy-agent/opa/v1/rego", true},
		{"policies", "github.com/open-policy-agent/opa/v1/rego", false},
		{"workflows/permit", "go.temporal.io/sdk/workflow", false},
		{"workflows/permit", "go.temporal.io/server/temporal", true},
		{"broker/starter", "go.temporal.io/sdk/client", true},
		{"broker/relay", "github.com/segmentio/kafka-go", true},
		{"adapters/eventlog/kafkalog", "github.com/twmb/franz-go/pkg/kgo", true},
		{"contracts/service", "github.com/google/cel-go/cel", true},
		{"broker/ledger", "github.com/cloudevents/sdk-go/v2/event", true},
		{"contracts/event", "github.com/cloudevents/sdk-go/v2/event", false},
		{"broker/relay", "go.opentelemetry.io/otel", true},
		{"workflows/permit", "go.opentelemetry.io/otel/trace", true},
		{"broker/internal/trace", "go.opentelemetry.io/otel/sdk/trace", false},
		{"pkg/util", module + "contracts", true},
	} {
		if why := violation(c.folder, c.path); (why != "") != c.refused {
			t.Errorf("violation(%q, %q) = %q, want refused: %t", c.folder, c.path, why, c.refused)
		}
	}
}

// moduleRoot is the folder of go.mod above the test.
func moduleRoot(t *testing.T) string {
	t.Helper()
	root, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func findRoot() (string, error) {
	folder, err := filepath.Abs(".")
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("no go.mod above the test")
		}
		folder = parent
	}
}

// treeFiles lists the files of the module relative to its root, see walk.
func treeFiles(t *testing.T) []string {
	t.Helper()
	files, err := walk(moduleRoot(t))
	if err != nil {
		t.Fatalf("walk the module: %v", err)
	}
	return files
}

// walk leaves out hidden folders, run-time data, built tools and folders with a go.mod of their own.
func walk(root string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipFolder(path, filepath.ToSlash(relative), entry.Name())
		}
		files = append(files, filepath.ToSlash(relative))
		return nil
	})
	return files, err
}

func skipFolder(path, relative, name string) error {
	if relative == "." || name == ".ci" {
		return nil
	}
	if strings.HasPrefix(name, ".") || relative == "bin" || relative == "data" || strings.HasSuffix(relative, "testdata/rapid") {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

// goFiles lists the Go files among treeFiles that Go would build.
func goFiles(t *testing.T) []string {
	t.Helper()
	return onlyGo(treeFiles(t))
}

func onlyGo(files []string) []string {
	return slices.DeleteFunc(slices.Clone(files), func(file string) bool {
		return !strings.HasSuffix(file, ".go") || strings.Contains(file, "testdata/")
	})
}
