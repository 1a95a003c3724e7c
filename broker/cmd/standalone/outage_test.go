package main

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/broker/internal/proxytest"
)

// TestAnOutageOfAnEngineIsBridgedAndDrained takes each engine away, accepts cases meanwhile, gives it back and waits until
// each case has its task. In the nightly run it is a measurement, of which deploy/README.md tells.
func TestAnOutageOfAnEngineIsBridgedAndDrained(t *testing.T) {
	t.Parallel()
	cases := 3
	if os.Getenv("EFA_NIGHTLY") != "" {
		cases = 400
	}
	h := openStrained(t, t.TempDir(), func(c *config.Standalone) { c.BacklogMax = 100_000 })
	before := h.verified().Receipts
	total := 0
	for _, engine := range []struct {
		name  string
		proxy *proxytest.Proxy
	}{{"event log", h.kafka}, {"process engine", h.temporal}} {
		size, memory := h.ledgerKiB(t), h.metric("process_resident_memory_bytes")
		engine.proxy.Down(true)
		began := time.Now()
		h.submitMany(t, cases)
		took := time.Since(began)
		total += cases
		waiting := h.metric("efa_starter_behind")
		grown, held := h.ledgerKiB(t)-size, (h.metric("process_resident_memory_bytes")-memory)/(1<<20)
		engine.proxy.Down(false)
		began = time.Now()
		h.untilTasks(t, total)
		drained := time.Since(began)
		t.Logf("%s away: %d cases accepted at %.0f/s, %.0f waited, ledger %d KiB a case, memory %+.0f MiB; drained at %.0f/s in %s",
			engine.name, cases, float64(cases)/took.Seconds(), waiting, grown/int64(cases), held, float64(cases)/drained.Seconds(), drained.Round(time.Second/10))
		if waiting < 1 {
			t.Errorf("%s: no case waited, so nothing was bridged", engine.name)
		}
	}
	if n := h.verified().Receipts - before; n != int64(2*total) {
		t.Errorf("%d cases have %d events, want two each: submitted and assigned", total, n)
	}
}

// submitMany files n applications, four at a time.
func (h *house) submitMany(t *testing.T, n int) {
	t.Helper()
	pkg := packageOf(t, registration)
	app := example(t, pkg, exampleNames(pkg)[0])
	turns := make(chan struct{}, n)
	for range n {
		turns <- struct{}{}
	}
	close(turns)
	var portals sync.WaitGroup
	for range 4 {
		portals.Go(func() {
			for range turns {
				if _, refused := h.trySubmit(uuid.NewString(), app, 0); refused != nil {
					t.Errorf("refused below the bound: %v", refused)
				}
			}
		})
	}
	portals.Wait()
}

// untilTasks waits until so many tasks are assigned and everybody has been told of them.
func (h *house) untilTasks(t *testing.T, n int) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(5 * time.Minute)
	for h.metric("efa_tasks_assigned") < float64(n) || h.metric("efa_outbox_unpublished") > 0 || h.metric("efa_delivery_behind") > 0 {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%v of %d tasks are assigned", h.metric("efa_tasks_assigned"), n)
		}
	}
}

// ledgerKiB is the size of the ledger and its write-ahead log.
func (h *house) ledgerKiB(t *testing.T) (kib int64) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(filepath.Join(h.program.cfg.Data, "ledger.db"+suffix))
		if err != nil {
			t.Fatal(err)
		}
		kib += info.Size() >> 10
	}
	return kib
}
