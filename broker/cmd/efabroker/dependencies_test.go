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
		"go.temporal.io/server", "github.com/twmb/franz-go", module + "broker/internal/openid",
		module + "workflows/localtemporal", module + "workflows/workflowtest", module + "adapters/eventlog/localkafka",
		module + "adapters/eventlog/memlog", module + "broker/internal/sqlstoretest",
	} {
		for _, d := range deps {
			if strings.HasPrefix(d, forbidden) {
				t.Errorf("efabroker links %s", d)
			}
		}
	}
}
