package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/contracts"
)

// TestTheDemoShowsEveryStep runs the command of the README, in a directory of its own and with free ports.
func TestTheDemoShowsEveryStep(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	code := Main{
		Args:   []string{"demo", "--exit", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--kafka-listen", "127.0.0.1:0", "--temporal-listen", "127.0.0.1:0"},
		Stdout: &stdout, Stderr: &stderr,
	}.Run(t.Context())
	if code != exitOK {
		t.Fatalf("status %d\n%s\n%s", code, stderr.String(), stdout.String())
	}
	rest := stdout.String()
	for _, word := range []string{"zum Ausprobieren und für kleine Häuser", "Bereit.", "Achtung: Die Fachverfahren der Behörden sind erfunden", "/offices."} {
		_, after, found := strings.Cut(rest, word)
		if !found {
			t.Fatalf("the program did not say what it is: %q is missing or out of place in\n%s", word, stdout.String())
		}
		rest = after
	}
	seesEveryStep(t, rest)
}

// seesEveryStep checks what the demo showed, whatever broker it ran against.
func seesEveryStep(t *testing.T, said string) {
	t.Helper()
	rest := said
	for _, step := range []string{ // each in its place
		"Eingang ", "Zuständigkeit  München", "Aufgabe        München: „register“", "Erledigt       München: „register“",
		"Bescheinigung  München", "Aufgabe        München: „forward“", "Erledigt       München: „forward“: abgemeldet", "Ankündigung    Nürnberg: Amtsgericht Nürnberg, Registergericht",
		"COMPLETED", "Übermittlungen in Vorgang", "GewAnzV § 3(1) Nr. 5 a", "Übermittlungen in Vorgang", "GewAnzV § 3(1) Nr. 8",
		"Eine Entscheidung in einem Satz", "Eine abgelehnte Anfrage", "gültig",
	} {
		_, after, found := strings.Cut(rest, step)
		if !found {
			t.Fatalf("%q is missing or out of place in\n%s", step, said)
		}
		rest = after
	}
	if n := strings.Count(said, "Ankündigung    München"); n != 12 {
		t.Errorf("%d announcements in München, want 12", n)
	}
	if n := strings.Count(said, "Ankündigung    Nürnberg"); n != 13 {
		t.Errorf("%d announcements in Nürnberg, want 13", n)
	}
	if strings.Contains(said, "NICHT GESEHEN") {
		t.Error(said)
	}
}

func TestAMissingExampleIsToldBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	data := filepath.Join(t.TempDir(), "data")
	code := Main{
		Args:   []string{"demo", "--example", "99-none.json", "--data", data, "--listen", "127.0.0.1:0", "--kafka-listen", "127.0.0.1:0", "--temporal-listen", "127.0.0.1:0"},
		Stdout: &stdout, Stderr: &stderr,
	}.Run(t.Context())
	if code != exitUsage || !strings.Contains(stderr.String(), "01-einzelkauffrau.json") || stdout.String() != "" {
		t.Errorf("status %d: %s", code, stderr.String())
	}
	if _, err := os.Stat(data); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the data directory was made: %v", err)
	}
}

// A port that another program has is told before an engine starts: in one line, with what to do.
func TestAnOccupiedAddressIsToldBeforeEnginesStart(t *testing.T) {
	t.Parallel()
	taken, err := httpserver.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	data := t.TempDir()
	serve := func() string {
		var stdout, stderr strings.Builder
		code := Main{
			Args:   []string{"serve", "--data", data, "--listen", taken.Addr().String(), "--kafka-listen", "127.0.0.1:0", "--temporal-listen", "127.0.0.1:0"},
			Stdout: &stdout, Stderr: &stderr,
		}.Run(t.Context())
		if code != exitFailed || strings.Count(stderr.String(), "\n") != 2 || !strings.Contains(stderr.String(), taken.Addr().String()) {
			t.Errorf("status %d: %s", code, stderr.String())
		}
		return stderr.String()
	}
	if said := serve(); !strings.Contains(said, "hint: choose another address with --listen") {
		t.Error(said)
	}
	if entries, err := os.ReadDir(data); err != nil || len(entries) > 0 {
		t.Errorf("something was started: %v, %v", entries, err)
	}
	if err := os.WriteFile(filepath.Join(data, "endpoint.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := serve(); !strings.Contains(said, "hint: a broker on the data directory "+data) {
		t.Error(said)
	}
}

func TestASecondStartNamesTheDataDirectory(t *testing.T) {
	t.Parallel()
	p := &program{cfg: config.Standalone{Data: "/srv/efa"}}
	err := p.noEventLog(contracts.Errorf(contracts.Conflict, "lock data directory", "/srv/efa/kafka is in use by another broker"))
	var stderr strings.Builder
	Main{Stderr: &stderr}.explain(err)
	want := "standalone: start: the data directory /srv/efa is in use by another broker\nhint: stop that one, or choose another directory with --data\n"
	if stderr.String() != want || contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("said %q", stderr.String())
	}
}

func TestServePlaysNoOfficeUnlessToldTo(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"auto": "none", "recipients": "recipients", "all": "all", "none": "none"} {
		if got := served(config.Standalone{Offices: given}).Offices; got != want {
			t.Errorf("offices %s of serve are %s, want %s", given, got, want)
		}
		var stdout strings.Builder
		Main{Stdout: &stdout}.played(&program{cfg: config.Standalone{Offices: want, Data: "/srv/efa"}})
		warned := strings.Contains(stdout.String(), "erfunden") && strings.Contains(stdout.String(), "Klartext in /srv/efa/offices")
		if warned != (want != "none") {
			t.Errorf("offices %s: said %q", want, stdout.String())
		}
	}
}

func TestTheHelpNamesTheExitCodes(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	if code := (Main{Args: []string{"--help"}, Stdout: &stdout, Stderr: &stderr}).Run(t.Context()); code != exitOK {
		t.Errorf("status %d: %s", code, stderr.String())
	}
	for _, code := range []int{exitOK, exitFailed, exitUsage, exitIncomplete} {
		if !strings.Contains(stdout.String(), "\n  "+strconv.Itoa(code)+"  ") {
			t.Errorf("code %d is missing in %s", code, stdout.String())
		}
	}
}

func TestWrongSettingsAreRefusedWithEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ args, want []string }{
		"two faults":     {[]string{"serve", "--data", "", "--listen", "nowhere"}, []string{"data", "listen"}},
		"open to others": {[]string{"serve", "--listen", "0.0.0.0:0"}, []string{"listen", "allow_remote"}},
		"unknown flag":   {[]string{"serve", "--lisen", "x"}, []string{"lisen", "hint: standalone --help"}},
		"flag of root":   {[]string{"--lisen", "x"}, []string{"lisen"}},
		"no command":     {[]string{"serv"}, []string{`unknown command "serv"`, "hint: did you mean: serve?"}},
		"an argument":    {[]string{"serve", "here"}, []string{`want no argument, got "here"`}},
	} {
		var stdout, stderr strings.Builder
		code := Main{Args: c.args, Stdout: &stdout, Stderr: &stderr}.Run(t.Context())
		for _, want := range c.want {
			if code != exitUsage || !strings.Contains(stderr.String(), want) {
				t.Errorf("%s: status %d, said %q", name, code, stderr.String())
			}
		}
	}
}
