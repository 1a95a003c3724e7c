package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
)

// cutLog cuts the write-ahead log of a database whose process was killed at a random byte, but not below what a checkpoint
// has brought into the database, which the disk was told to keep first (sqlite.org/walformat.html), and not below atLeast.
func cutLog(t *testing.T, path string, atLeast int, random *rand.Rand) (cut, size int) {
	t.Helper()
	var files [3][]byte
	for i, suffix := range []string{"", "-wal", "-shm"} {
		var err error
		if files[i], err = os.ReadFile(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	frame := 24 + int(binary.BigEndian.Uint16(files[0][16:]))
	least := min(max(32+frame*int(binary.NativeEndian.Uint32(files[2][96:])), atLeast), len(files[1]))
	cut = least + random.IntN(len(files[1])-least+1)
	if err := os.Truncate(path+"-wal", int64(cut)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path + "-shm"); err != nil { // memory, not disk
		t.Fatal(err)
	}
	return cut, len(files[1])
}

// TestABrokerStartsOnALedgerThatAPowerCutShortened kills a broker, loses a random part of the ledger's log and both
// engines. What is left is a prefix of what was acknowledged; the portal repeats what it is not sure of, and every case
// ends.
func TestABrokerStartsOnALedgerThatAPowerCutShortened(t *testing.T) {
	t.Parallel()
	seeds := 1
	if os.Getenv("EFA_NIGHTLY") != "" {
		seeds = 8
	}
	for range seeds {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			startShortened(t, rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

func startShortened(t *testing.T, random *rand.Rand) {
	t.Helper()
	dir := t.TempDir()
	pkg := packageOf(t, registration)
	app := example(t, pkg, exampleNames(pkg)[0])
	path := filepath.Join(dir, "ledger.db")
	p := spawn(t, dir, "none")
	var ids, cases []string
	mark := 0 // what was in the log after the second case
	for n := range 6 {
		id := uuid.NewString()
		ids, cases = append(ids, id), append(cases, p.submitAs(id, app))
		if info, err := os.Stat(path + "-wal"); err != nil {
			t.Fatal(err)
		} else if n < 2 {
			mark = int(info.Size())
		}
	}
	p.kill()
	lose(t, dir, "kafka", "temporal")
	cut, size := cutLog(t, path, mark, random)
	if err := sqlstore.Check(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	p = spawn(t, dir, "all")
	p.verified()
	lost := 0
	for n, id := range ids {
		caseID, _ := p.trySubmit(id, app, 0)
		if caseID != cases[n] {
			lost++ // it was not there any more, so this is a new one
		} else if lost > 0 {
			t.Errorf("the case of submission %d is there, one before it is not", n)
		}
		cases[n] = caseID
	}
	t.Logf("%d of %d bytes of the log were left, %d of %d cases were lost", cut, size, lost, len(cases))
	for _, caseID := range cases {
		p.wholeOnce(t, caseID)
	}
	p.verified()
}
