package config

import (
	"strings"
	"testing"
)

func TestEverySettingIsDocumentedAndWrittenOnce(t *testing.T) {
	t.Parallel()
	for _, p := range Programs() {
		settings := settingsOf(p.Settings)
		if len(settings) == 0 {
			t.Errorf("%s has no settings", p.Name)
		}
		seen := map[string]bool{}
		for _, s := range settings {
			last := s.key[strings.LastIndex(s.key, ".")+1:]
			switch {
			case last == "":
				t.Errorf("%s: a field behind %q has no key", p.Name, s.key)
			case seen[s.key] || seen[s.flag()]:
				t.Errorf("%s: %s is used twice", p.Name, s.key)
			case !strings.HasSuffix(s.doc, "."):
				t.Errorf("%s: %s is not documented in full sentences", p.Name, s.key)
			case strings.Contains(s.doc, "Defaults to"):
				t.Errorf("%s: %s repeats its default", p.Name, s.key)
			case s.defaults() == "":
				t.Errorf("%s: %s says nothing about what applies when it is not set", p.Name, s.key)
			case s.secret && s.def != "":
				t.Errorf("%s: %s is a secret with a default", p.Name, s.key)
			}
			seen[s.key], seen[s.flag()] = true, true
		}
	}
}

func TestSuggestionsAreNearAndNeverFar(t *testing.T) {
	t.Parallel()
	settings := settingsOf(&Standalone{})
	for key, want := range map[string]string{
		"kafkalisten": "did you mean kafka_listen?", "log.levle": "did you mean log.level?", "colour": "the reference lists all",
	} {
		if got := near(key, settings); !strings.Contains(got, want) {
			t.Errorf("%s: %s", key, got)
		}
	}
}
