package datadir_test

import (
	"os"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/datadir"
	"github.com/efa-broker/efa-broker/contracts"
)

func TestADirectoryIsForOneProcessAtATime(t *testing.T) {
	t.Parallel()
	d := datadir.Dir(t.TempDir())
	first, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lock(); contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("second lock: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAnInterruptedRestoreIsNoticed(t *testing.T) {
	t.Parallel()
	d := datadir.Dir(t.TempDir())
	if err := d.Whole(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.Restoring(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Whole(); err == nil || contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("got %v", err)
	}
}
