package backoffice_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
)

func TestJournalRemembersAcrossProcesses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "inbox.jsonl")
	j := backoffice.NewFileJournal(path)
	if cursor, done, err := j.Load(); cursor != "" || len(done) != 0 || err != nil {
		t.Errorf("a new journal holds %q %v %v", cursor, done, err)
	}
	record(t, j, "1.1", "d1")
	record(t, j, "1.2", "d2")
	record(t, j, "1.7", "")
	cursor, done, err := backoffice.NewFileJournal(path).Load()
	if err != nil || cursor != "1.7" {
		t.Errorf("cursor is %q (%v), want 1.7", cursor, err)
	}
	if diff := cmp.Diff([]string{"d1", "d2"}, done); diff != "" {
		t.Error(diff)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v (%v), want 0600", info.Mode(), err)
	}
}

// A crash may cut the file at any byte; what was recorded before the last line must survive, and recording goes on.
func TestJournalSurvivesACutAtAnyByte(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(dir, rapid.StringMatching(`[a-z]{12}`).Draw(rt, "file"))
		j := backoffice.NewFileJournal(path)
		n := rapid.IntRange(1, 6).Draw(rt, "records")
		ends := []int{0}
		for i := 1; i <= n; i++ {
			if err := j.Record(fmt.Sprintf("1.%d", i), fmt.Sprintf("d%d", i)); err != nil {
				rt.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				rt.Fatal(err)
			}
			ends = append(ends, int(info.Size()))
		}
		cut := rapid.IntRange(0, ends[n]).Draw(rt, "cut")
		if err := os.Truncate(path, int64(cut)); err != nil {
			rt.Fatal(err)
		}
		whole := 0
		for whole < n && ends[whole+1] <= cut {
			whole++
		}
		if _, done, err := j.Load(); err != nil || len(done) != whole {
			rt.Fatalf("%d deliveries after a cut at %d of %v, want %d (%v)", len(done), cut, ends, whole, err)
		}
		if err := j.Record("2.1", "later"); err != nil {
			rt.Fatal(err)
		}
		cursor, done, err := j.Load()
		if err != nil || cursor != "2.1" || len(done) != whole+1 {
			rt.Fatalf("after the cut: %q, %d deliveries, %v", cursor, len(done), err)
		}
		if err := os.Remove(path); err != nil {
			rt.Fatal(err)
		}
	})
}

func TestJournalForgetsTheOldest(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "inbox.jsonl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * backoffice.Kept {
		fmt.Fprintf(f, `{"cursor":"1.%d","delivery":"d%d"}`+"\n", i, i)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	before := size(t, path)
	j := backoffice.NewFileJournal(path)
	for range 2 {
		cursor, done, err := j.Load()
		if err != nil || len(done) != backoffice.Kept || done[0] != fmt.Sprintf("d%d", backoffice.Kept) || cursor != fmt.Sprintf("1.%d", 2*backoffice.Kept-1) {
			t.Fatalf("%d deliveries, cursor %q, %v", len(done), cursor, err)
		}
	}
	if after := size(t, path); after >= before*3/4 {
		t.Errorf("the file has %d bytes, had %d", after, before)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func record(t *testing.T, j backoffice.Journal, cursor, deliveryID string) {
	t.Helper()
	if err := j.Record(cursor, deliveryID); err != nil {
		t.Fatal(err)
	}
}
