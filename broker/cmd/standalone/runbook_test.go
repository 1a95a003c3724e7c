package main_test

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// TestEveryCommandOfTheRunbooksIsRun checks that each call of a program in a runbook stands in a script that runs it: the
// same command with the same flags.
func TestEveryCommandOfTheRunbooksIsRun(t *testing.T) {
	t.Parallel()
	run := map[string]bool{}
	for _, file := range treeFiles(t) {
		if !strings.Contains(file, "/standalone/testdata/script/") {
			continue
		}
		for line := range strings.Lines(readRoot(t, file)) {
			if _, call, ok := strings.Cut(line, "exec efabroker "); ok {
				run[shape(call)] = true
			}
		}
	}
	read := 0
	for _, page := range pages(t) {
		if path.Dir(page) != "deploy/runbooks" {
			continue
		}
		text, _, _ := strings.Cut(readRoot(t, page), "## PostgreSQL") // TestTheScriptsRunWhatTheRunbookSays reads the rest
		for _, block := range shellBlock.FindAllStringSubmatch(text, -1) {
			for line := range strings.Lines(block[1]) {
				call, ok := strings.CutPrefix(line, "efabroker ")
				if !ok {
					continue
				}
				read++
				if !run[shape(call)] {
					t.Errorf("%s: no script runs %q", page, strings.TrimSpace(line))
				}
			}
		}
	}
	if read < 8 {
		t.Errorf("only %d commands were read: the check looked at the wrong pages", read)
	}
}

// TestTheScriptsRunWhatTheRunbookSays checks that each call of PostgreSQL's tools and of the broker in the part on
// PostgreSQL stands in the scripts of deploy/local, with its flags, and that each script that it names is there.
func TestTheScriptsRunWhatTheRunbookSays(t *testing.T) {
	t.Parallel()
	_, part, found := strings.Cut(readRoot(t, "deploy/runbooks/restore.md"), "## PostgreSQL")
	scripts := readRoot(t, "deploy/local/backup") + readRoot(t, "deploy/local/restore") + readRoot(t, "deploy/local/lib/broker.sh")
	calls := 0
	for _, block := range shellBlock.FindAllStringSubmatch(part, -1) {
		for line := range strings.Lines(block[1]) {
			words := strings.Fields(line)
			calls++
			switch program := words[0]; {
			case strings.HasPrefix(program, "deploy/local/"):
				readRoot(t, program)
			case program == "efabroker":
				if !strings.Contains(scripts, "broker_run "+words[1]) {
					t.Errorf("no script runs %q", line)
				}
			default:
				for _, word := range append([]string{program + " "}, words[1:]...) {
					if (strings.HasPrefix(word, "--") || strings.HasSuffix(word, " ")) && !strings.Contains(scripts, word) {
						t.Errorf("%q: no script has %q", line, word)
					}
				}
			}
		}
	}
	if !found || calls < 8 {
		t.Errorf("only %d commands were read", calls)
	}
}

// shape is a call without its values: sub-commands and flags. --data stands for EFA_DATA in scripts and does not count.
func shape(call string) string {
	var words []string
	call, _, _ = strings.Cut(call, "#")
	for i, w := range strings.Fields(call) {
		switch {
		case w == "--data" || w == "--json":
		case strings.HasPrefix(w, "--"), i < 2 && w == strings.ToLower(w) && !strings.ContainsAny(w, "/$."):
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}
