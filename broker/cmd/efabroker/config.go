package main

import (
	"bytes"
	"context"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/broker/internal/config"
)

func (s *session) configCommand() *cobra.Command {
	var reference bool
	var schema string
	c := s.command("config", "Show the effective configuration, secrets hidden", func(context.Context, []string) error {
		p := s.printer()
		effective := config.Effective(&s.cfg, s.origins)
		if p.JSON {
			return p.Object(effective)
		}
		return output.Written(config.WriteYAML(p.Out, effective))
	})
	show := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case reference:
			return s.writeReference()
		case schema != "":
			return s.writeSchema(schema)
		}
		return show(cmd, args)
	}
	c.Flags().BoolVar(&reference, "reference", false, "print the reference page of all settings, Markdown")
	c.Flags().StringVar(&schema, "schema", "", "print the JSON Schema of a program's configuration file: efabroker, efabroker-serve or standalone")
	return c
}

// writeReference needs no configuration: it helps to mend a wrong one.
func (s *session) writeReference() error {
	var page bytes.Buffer
	if err := config.Reference(&page); err != nil {
		return err
	}
	_, err := page.WriteTo(s.program.Stdout)
	return output.Written(err)
}

func (s *session) writeSchema(name string) error {
	for _, p := range config.Programs() {
		if p.Name == name {
			raw, err := config.Schema(p)
			if err != nil {
				return err
			}
			_, err = s.program.Stdout.Write(raw)
			return output.Written(err)
		}
	}
	return failure.Usage("want efabroker, efabroker-serve or standalone", "--schema: there is no such program")
}
