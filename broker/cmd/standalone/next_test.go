package main_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// builtFrom lists the files of which both programs are built, by their places in this tree.
func builtFrom(t *testing.T, flags ...string) map[string]bool {
	t.Helper()
	args := slices.Concat([]string{"list", "-deps", "-f", `{{$p := .}}{{range .GoFiles}}{{$p.ImportPath}}/{{.}}
{{end}}{{range .EmbedFiles}}{{$p.ImportPath}}/{{.}}
{{end}}`}, flags, []string{module + "broker/cmd/..."})
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if file, ours := strings.CutPrefix(strings.TrimSpace(line), module); ours {
			files[file] = true
		}
	}
	return files
}

// The build with the tag has every file of the next version, a release none of them.
func TestAReleaseHoldsNothingOfTheNextVersion(t *testing.T) {
	t.Parallel()
	released, later := builtFrom(t), builtFrom(t, "-tags", "next")
	var more []string
	for file := range later {
		if !released[file] {
			more = append(more, file)
		}
	}
	slices.Sort(more)
	var want []string
	for _, file := range treeFiles(t) {
		if filepath.Base(file) == "next_on.go" || strings.Contains(file, "/migrations/next/") || strings.HasPrefix(file, "broker/internal/next/") {
			want = append(want, file)
		}
	}
	slices.Sort(want)
	if len(want) < 7 || !slices.Equal(more, want) {
		t.Errorf("the next version has more: %v, want %v", more, want)
	}
	for _, file := range want {
		if released[file] {
			t.Errorf("the release holds %s", file)
		}
	}
}
