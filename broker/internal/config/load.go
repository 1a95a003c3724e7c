package config

import (
	"errors"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/efa-broker/efa-broker/contracts"
)

var errNoBytes = errors.New("this layer is no file")

// Source says where values come from.
type Source struct {
	// Environ are the variables, "NAME=value", as os.Environ lists them.
	Environ []string
	// Flags were registered by AddFlags and parsed. May be nil.
	Flags *pflag.FlagSet
}

// Origins says for each key which layer set it: "default", "file", "environment" or "flag".
type Origins map[string]string

// layer is what one source says, by dotted key.
type layer struct {
	name   string
	values map[string]any
}

// Load fills cfg from all layers and validates it. The error is Invalid and lists every fault at once, each under its
// key with what to do.
func Load(cfg Settings, src Source) (Origins, error) {
	settings := settingsOf(cfg)
	layers, problems := src.layers(settings)
	origins := Origins{}
	merged := koanf.New(".")
	for _, l := range layers {
		for key := range l.values {
			origins[key] = l.name
		}
		if err := merged.Load(values(l.values), nil); err != nil {
			problems = append(problems, contracts.Problem{Pointer: l.name, Detail: "cannot be merged: " + err.Error()})
		}
	}
	for _, s := range settings {
		raw := merged.Get(s.key)
		if raw == nil {
			continue
		}
		if err := s.set(raw); err != nil {
			problems = append(problems, contracts.Problem{Pointer: s.key, Detail: err.Error() + " (" + origins[s.key] + ")"})
		}
	}
	problems = append(problems, cfg.Validate()...)
	if len(problems) > 0 {
		return nil, &contracts.Error{Kind: contracts.Invalid, Op: "read configuration", Problems: problems}
	}
	return origins, nil
}

// layers reads every source, least important first. A source that cannot be read is a problem.
func (src Source) layers(settings []setting) (out []layer, problems []contracts.Problem) {
	add := func(name string, p koanf.Provider, parser koanf.Parser) {
		k := koanf.New(".")
		if err := k.Load(p, parser); err != nil {
			problems = append(problems, contracts.Problem{Pointer: name, Detail: "cannot be read: " + err.Error()})
			return
		}
		found, faults := known(name, k.All(), settings)
		out = append(out, layer{name, found})
		problems = append(problems, faults...)
	}
	add("default", values(defaults(settings)), nil)
	if path := src.file(); path != "" {
		add("file", file.Provider(path), yaml.Parser())
	}
	add("environment", env.Provider(".", env.Opt{
		Prefix:        prefix,
		EnvironFunc:   func() []string { return src.Environ },
		TransformFunc: names(settings),
	}), nil)
	if src.Flags != nil {
		add("flag", changed{src.Flags, settings}, nil)
	}
	return out, problems
}

// file is the path of the configuration file; empty when none is named.
func (src Source) file() string {
	if src.Flags != nil {
		if f := src.Flags.Lookup("config"); f != nil && f.Changed {
			return f.Value.String()
		}
	}
	for _, v := range src.Environ {
		if path, ok := strings.CutPrefix(v, prefix+"CONFIG="); ok {
			return path
		}
	}
	return ""
}

func defaults(settings []setting) map[string]any {
	out := map[string]any{}
	for _, s := range settings {
		if s.def != "" {
			out[s.key] = s.def
		}
	}
	return out
}
