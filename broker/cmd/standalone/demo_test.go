package main

import (
	"strings"
	"testing"
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
	_, said, found := strings.Cut(stdout.String(), "Bereit.")
	if !found || !strings.Contains(stdout.String(), "zum Ausprobieren und für kleine Häuser") {
		t.Errorf("the program did not say what it is: %s", stdout.String())
	}
	seesEveryStep(t, said)
}

// seesEveryStep checks what the demo showed, whatever broker it ran against.
func seesEveryStep(t *testing.T, said string) {
	t.Helper()
	rest := said
	for _, step := range []string{ // each in its place
		"Eingang ", "Zuständigkeit  München", "Aufgabe        München: „register“", "Erledigt       München: „register“",
		"Bescheinigung  München", "Aufgabe        München: „forward“", "Erledigt       München: „forward“: abgemeldet", "Ankündigung    Nürnberg: Amtsgericht Nürnberg, Registergericht",
		"COMPLETED", "Übermittlungen in Vorgang", "GewAnzV § 3(1) no. 5 a", "Übermittlungen in Vorgang", "GewAnzV § 3(1) no. 8",
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

func TestAMissingExampleIsToldAndNothingHangs(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	code := Main{
		Args:   []string{"demo", "--example", "99-none.json", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--kafka-listen", "127.0.0.1:0", "--temporal-listen", "127.0.0.1:0"},
		Stdout: &stdout, Stderr: &stderr,
	}.Run(t.Context())
	if code != exitUsage || !strings.Contains(stderr.String(), "01-einzelkauffrau.json") {
		t.Errorf("status %d: %s", code, stderr.String())
	}
}

func TestWrongSettingsAreRefusedWithEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ args, want []string }{
		"two faults":     {[]string{"serve", "--data", "", "--listen", "nowhere"}, []string{"data", "listen"}},
		"open to others": {[]string{"serve", "--listen", "0.0.0.0:0"}, []string{"listen", "allow_remote"}},
		"unknown flag":   {[]string{"serve", "--lisen", "x"}, []string{"lisen"}},
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
