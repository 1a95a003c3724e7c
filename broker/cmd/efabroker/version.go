package main

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
)

// build says what this program was built from.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (s *session) versionCommand() *cobra.Command {
	return s.command("version", "Show what this program was built from", func(context.Context, []string) error {
		return output.Show(s.printer(), buildOf(), func(b build) []string {
			return output.Pairs("version", b.Version, "revision", b.Revision, "go", b.Go, "platform", b.Platform)
		})
	})
}

func buildOf() build {
	b := build{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = info.Main.Version
	dirty := ""
	for _, v := range info.Settings {
		switch v.Key {
		case "vcs.revision":
			b.Revision = v.Value
		case "vcs.modified":
			if v.Value == "true" {
				dirty = "+changes"
			}
		}
	}
	b.Revision += dirty
	return b
}
