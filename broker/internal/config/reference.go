package config

import (
	"fmt"
	"io"
	"strings"
)

// Program is one program of this product with its settings.
type Program struct {
	// Name is the name of the program.
	Name string
	// Title is what the reference says of it.
	Title string
	// Settings is an empty configuration.
	Settings Settings
}

// Programs lists every program that has settings.
func Programs() []Program {
	return []Program{
		{"efabroker", "The command line", &Client{}},
		{"standalone", "The whole broker in one process", &Standalone{}},
		{"efabroker-serve", "The broker against outside engines: `efabroker serve`, `efabroker worker`, `efabroker migrate`", &Broker{}},
		{"standalone-openid", "The OpenID provider as a process of its own: `standalone openid`", &Provider{}},
	}
}

// Reference writes the reference page, Markdown: every setting of every program.
func Reference(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Configuration\n\nGenerated from `broker/internal/config`; `efabroker config --reference` prints it.\n\n")
	b.WriteString("Later wins: default, file (`--config FILE` or `" + prefix + "CONFIG`, YAML), environment, flag. ")
	b.WriteString("Unknown keys are errors. `efabroker config` shows the effective values of the command line, secrets hidden.\n")
	for _, p := range Programs() {
		fmt.Fprintf(&b, "\n## `%s`\n\n%s.\n", p.Name, p.Title)
		for _, s := range settingsOf(p.Settings) {
			s.describe(&b)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s setting) describe(b *strings.Builder) {
	fmt.Fprintf(b, "\n### `%s`\n\n%s", s.key, s.doc)
	if len(s.enum) > 0 {
		fmt.Fprintf(b, " Allowed: `%s`.", strings.Join(s.enum, "`, `"))
	}
	switch {
	case s.fallback != "":
		fmt.Fprintf(b, " Defaults to %s.\n", s.fallback)
	default:
		fmt.Fprintf(b, " Defaults to `%s`.\n", s.def)
	}
	if s.secret {
		fmt.Fprintf(b, "\nVariable `%s` · file with the secret `%s_FILE`, key `%s_file` · no flag\n", s.env(), s.env(), s.key)
		return
	}
	fmt.Fprintf(b, "\nFlag `--%s` · variable `%s`\n", s.flag(), s.env())
}
