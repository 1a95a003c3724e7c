package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"

	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/contracts"
)

// FuzzAFileIsReadOrRefusedWithItsFaults reads any file as the configuration of the standalone program.
func FuzzAFileIsReadOrRefusedWithItsFaults(f *testing.F) {
	for _, seed := range []string{
		"", "data: ./data", "log: {level: debug, format: json}", "log.level: debug", "data: [1, 2]", "data: {a: b}", "data: null", "shutdown_timeout: 1e9", "shutdown_timeout: -1s",
		"exit: \"yes\"", "unknown: 1", "a: &a [*a]", "a: &a {b: *a}", "<<: {data: x}", "? [x]\n: y", "1: 2", "- data", "data: x\ndata: y", "---\ndata: x\n---\ndata: y", "\xef\xbb\xbfdata: x", "\x00", "\xff", "listen: !!binary aGFsbG8=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var cfg config.Standalone
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		config.AddFlags(flags, &cfg)
		if err := flags.Parse([]string{"--config", path}); err != nil {
			t.Fatal(err)
		}
		origins, err := config.Load(&cfg, config.Source{Flags: flags})
		if err != nil {
			if contracts.KindOf(err) != contracts.Invalid || len(contracts.ProblemsOf(err)) == 0 || origins != nil {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if problems := cfg.Validate(); len(problems) > 0 {
			t.Errorf("%q was read with faults: %v", text, problems)
		}
	})
}
