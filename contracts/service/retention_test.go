package service_test

import (
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/contracts/service"
)

func TestRetentionEndsAPeriodAfterTheCase(t *testing.T) {
	t.Parallel()
	closed := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	for period, want := range map[string]time.Time{
		"P0D":     closed,
		"P2Y":     time.Date(2028, 1, 31, 10, 0, 0, 0, time.UTC),
		"P1Y2M3D": time.Date(2027, 4, 3, 10, 0, 0, 0, time.UTC),
		"P30D":    time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC),
	} {
		if got := (service.Retention{Period: period, From: service.FromEnd}).Ends(closed); !got.Equal(want) {
			t.Errorf("%s: %v, want %v", period, got, want)
		}
	}
}

func TestEachPackageSaysHowLongItsContentIsKept(t *testing.T) {
	t.Parallel()
	packages, err := service.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		if p.Retention != (service.Retention{Period: "P0D", From: service.FromEnd, Mark: "design"}) {
			t.Errorf("%s: %+v", p.Service, p.Retention)
		}
	}
}
