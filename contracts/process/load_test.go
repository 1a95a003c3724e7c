package process_test

import (
	"bufio"
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/process"
)

func TestLoadReadsTheRegistrationOfATrade(t *testing.T) {
	t.Parallel()
	d, err := process.Load(read(t, "gewa1.yaml"), env())
	if err != nil {
		t.Fatal(err)
	}
	want := []process.Step{
		{ID: "register", Task: &process.Task{
			Role: "lead", Purpose: "notice.register", Law: "gewo-15-1", Start: process.Receipt,
			Outcomes: []string{"registered"}, OutcomeFacts: []string{"indications_of_violation"}, Await: true,
		}},
		{ID: "acknowledge", Call: process.Acknowledge},
		{ID: "forward", When: "facts.full_move", Task: &process.Task{
			Role: "previous", Purpose: "notice.forward", Law: "gewo-14-1-s3", Start: "acknowledge",
			Opens: "99050012070000", Outcomes: []string{"deregistered"},
		}},
		{ID: "inform", Call: process.Announce, With: &process.With{Purposes: []string{"notice.inform", "statistics"}}},
		{ID: "forwarded", When: "facts.full_move", Wait: &process.Wait{Task: "forward"}},
		{ID: "done", End: "closed"},
	}
	if diff := cmp.Diff(want, d.Steps, cmpopts.IgnoreUnexported(process.Step{})); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if r, ok := d.Deadline("gewo-15-1"); !ok || r.Days != 3 {
		t.Errorf("Deadline(gewo-15-1) = %+v, %v; want the record of 3 days", r, ok)
	}
	if d.Hash() != "" {
		t.Errorf("Hash() = %q, want none before the definition is resolved", d.Hash())
	}
}

// TestLoadRefuses runs every file of testdata/refused. Its last lines say "# want LINE: text", one for each problem, and
// the loader must report exactly these.
func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/refused/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files to refuse: %v", err)
	}
	for _, file := range files {
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".yaml"), "_", " ")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := read(t, "refused/"+filepath.Base(file))
			_, err := process.Load(src, env())
			if contracts.KindOf(err) != contracts.Invalid || err == nil {
				t.Fatalf("Load() = %v, want an Invalid error", err)
			}
			wanted, got := wants(src), contracts.ProblemsOf(err)
			for _, p := range got {
				i := match(wanted, p)
				if i < 0 {
					t.Errorf("unexpected problem %s: %s", p.Pointer, p.Detail)
					continue
				}
				wanted = append(wanted[:i], wanted[i+1:]...)
			}
			for _, w := range wanted {
				t.Errorf("missing problem %q in %v", w, got)
			}
		})
	}
}

func wants(src []byte) []string {
	var all []string
	lines := bufio.NewScanner(bytes.NewReader(src))
	for lines.Scan() {
		if w, ok := strings.CutPrefix(lines.Text(), "# want "); ok {
			all = append(all, w)
		}
	}
	return all
}

func match(wanted []string, p contracts.Problem) int {
	for i, w := range wanted {
		line, text, _ := strings.Cut(w, ": ")
		if p.Pointer == process.File+":"+line && strings.Contains(p.Detail, text) {
			return i
		}
	}
	return -1
}

func TestLoadRefusesAFileAboveItsLimitUnread(t *testing.T) {
	t.Parallel()
	src := bytes.Repeat([]byte("#"), process.MaxBytes+1)
	if _, err := process.Load(src, env()); contracts.KindOf(err) != contracts.Invalid || err == nil {
		t.Errorf("Load() = %v, want an Invalid error", err)
	}
}

func FuzzLoadNeverPanicsAndResolvesWhatItAccepts(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range files {
		f.Add(read(f, filepath.Base(file)))
	}
	refused, _ := filepath.Glob("testdata/refused/*.yaml")
	for _, file := range refused {
		f.Add(read(f, "refused/"+filepath.Base(file)))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if _, err := process.Load(src, env()); err != nil {
			return
		}
		doc, hash, err := process.Resolve(src, env())
		if err != nil {
			t.Fatalf("loads but does not resolve: %v", err)
		}
		d, err := process.Open(doc)
		if err != nil || d.Hash() != hash {
			t.Fatalf("resolves but does not open: %v", err)
		}
	})
}
