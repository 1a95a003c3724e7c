package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
)

// smallDisk is a file system of its own.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		t.Skipf("mount a small file system: %v; only root may, and CI fails when this is skipped", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillUp takes all room that is left, to the last byte.
func fillUp(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for piece := make([]byte, 1<<20); len(piece) > 0; {
		_, err := f.Write(piece)
		switch {
		case errors.Is(err, syscall.ENOSPC):
			piece = piece[:len(piece)/2]
		case err != nil:
			t.Fatal(err)
		}
	}
}

// TestAFullDiskStopsIntakeAndReleaseAndHealsByItself fills the disk under all stores and engines of a running broker: what
// cannot be recorded is refused with 503 and Retry-After, nothing leaves, nothing is damaged, and once there is room all
// goes on without a restart.
func TestAFullDiskStopsIntakeAndReleaseAndHealsByItself(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "96m")
	h := open(t, dir)
	pkg := packageOf(t, registration)
	app := example(t, pkg, exampleNames(pkg)[0])
	before := h.submit(app)
	items, _ := h.inbox("gewerbeamt-muenchen", "")
	disclosures := len(h.disclosures(before))

	filler := filepath.Join(dir, "filler")
	id := uuid.NewString()
	var refused map[string][]string
	for n := 0; refused == nil; n++ { // what was freed or reserved before is used up by and by
		if n == 500 {
			t.Fatal("the disk does not become full")
		}
		fillUp(t, filler)
		id = uuid.NewString()
		_, refused = h.trySubmit(id, app, 0)
	}
	h.wantRetry(refused)
	fetch := func() error {
		_, err := h.as("gewerbeamt-muenchen").FetchContentWithResponse(t.Context(), mustUUID(t, string(items[0].Contents[0].Content)), ask("gewa1.1"))
		return err
	}
	for n := 0; ; n++ { // a decision record may still fit into what a log has reserved
		fillUp(t, filler)
		err := fetch()
		if err != nil && contracts.KindOf(err) == contracts.Unavailable {
			break
		}
		if err != nil || n == 500 {
			t.Fatalf("a fetch that cannot be recorded: %v", err)
		}
		disclosures++
	}
	if c := h.caseOf(before); c.ID != before {
		t.Errorf("reading on a full disk: %+v", c)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	again, _ := h.trySubmit(id, app, time.Minute)
	h.play(offices.Config{})
	h.wholeOnce(t, before)
	h.wholeOnce(t, again)
	h.verified()
	h.stop()
	for _, name := range []string{"ledger.db", "keystore/keys.db"} {
		if err := sqlstore.Check(t.Context(), filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}
