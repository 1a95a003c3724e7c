package permit

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/efa-broker/efa-broker/contracts/process"
)

// recorded is a source of the definitions under which the corpus was recorded.
type recorded struct{}

func (recorded) Definition(_ context.Context, hash string) ([]byte, error) {
	return os.ReadFile(filepath.Join("testdata", "definition", filepath.Base(hash)+".json"))
}

// TestEveryRecordedHistoryStillReplays guards that a change of the interpreter continues the cases that run. Histories are
// never edited; new ones are recorded on a real server by
//
//	go test ./workflows/localtemporal -run Histories -update
func TestEveryRecordedHistoryStillReplays(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/history/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("the corpus holds %d histories, want at least 5: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			quiet := slog.New(slog.DiscardHandler)
			r, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{ContextPropagators: []workflow.ContextPropagator{traceHeader{}}})
			if err != nil {
				t.Fatal(err)
			}
			registerWorkflow(r, &interpreter{definitions: newRegistry(recorded{}, quiet)})
			if err := r.ReplayWorkflowHistoryFromJSONFile(sdklog.NewStructuredLogger(quiet), file); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAChangedProcessDoesNotReplayAnOldHistory(t *testing.T) {
	t.Parallel()
	quiet := slog.New(slog.DiscardHandler)
	definitions := newRegistry(recorded{}, quiet)
	docs, err := filepath.Glob("testdata/definition/*.json")
	if err != nil || len(docs) < 2 {
		t.Fatalf("%d definitions: %v", len(docs), err)
	}
	for _, doc := range docs { // every hash names the shortest definition of the corpus
		raw, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		d, err := process.Open(raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range docs {
			hash := strings.TrimSuffix(filepath.Base(other), ".json")
			if known := definitions.known[hash]; known == nil || len(d.Steps) < len(known.Steps) {
				definitions.known[hash] = d
			}
		}
	}
	r := worker.NewWorkflowReplayer()
	registerWorkflow(r, &interpreter{definitions: definitions})
	err = r.ReplayWorkflowHistoryFromJSONFile(sdklog.NewStructuredLogger(quiet), "testdata/history/move.json")
	if err == nil || !strings.Contains(err.Error(), "TMPRL1100") {
		t.Errorf("replay = %v, want a nondeterminism error: else the corpus guards nothing", err)
	}
}
