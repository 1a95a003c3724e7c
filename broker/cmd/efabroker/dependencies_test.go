package main

import (
	"os/exec"
	"strings"
	"testing"
)

func TestTheCommandLineLinksNoEmbeddedEngine(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 100 {
		t.Fatalf("go list names %d packages; it cannot have read the program", len(deps))
	}
	const module = "github.com/efa-broker/efa-broker/"
	for _, forbidden := range []string{
		"go.temporal.io/", "github.com/twmb/franz-go", "github.com/segmentio/kafka-go", "github.com/open-policy-agent/",
		"github.com/google/cel-go",
		module + "broker/internal/openid", module + "workflows", module + "policies", module + "adapters/eventlog",
	} {
		for _, d := range deps {
			if strings.HasPrefix(d, forbidden) {
				t.Errorf("efabroker links %s", d)
			}
		}
	}
}
