package config

import (
	"github.com/spf13/pflag"
)

// AddFlags registers a flag for every setting of cfg that is no secret, and --config for the file. Their values are read
// by Load.
func AddFlags(fs *pflag.FlagSet, cfg Settings) {
	fs.String("config", "", "configuration file, YAML ("+prefix+"CONFIG)")
	for _, s := range settingsOf(cfg) {
		if s.secret {
			continue // the list of processes shows arguments
		}
		usage := s.summary() + " (" + s.env() + ")"
		if s.kind() == "boolean" {
			fs.Bool(s.flag(), s.def == "true", usage)
			continue
		}
		fs.String(s.flag(), s.def, usage)
	}
}

// changed are the flags that were given, by key.
type changed struct {
	flags    *pflag.FlagSet
	settings []setting
}

// Read implements koanf.Provider.
func (c changed) Read() (map[string]any, error) {
	out := map[string]any{}
	for _, s := range c.settings {
		if f := c.flags.Lookup(s.flag()); f != nil && f.Changed && !s.secret {
			out[s.key] = f.Value.String()
		}
	}
	return nest(out), nil
}

// ReadBytes implements koanf.Provider; flags have no bytes.
func (changed) ReadBytes() ([]byte, error) { return nil, errNoBytes }
