package release

import (
	"testing"
	"time"
)

func TestPeriodsAreYearsMonthsAndDays(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	for period, want := range map[string]time.Time{
		"P2Y":       time.Date(2028, 11, 25, 10, 0, 0, 0, time.UTC),
		"P6M":       time.Date(2027, 5, 25, 10, 0, 0, 0, time.UTC),
		"P10D":      time.Date(2026, 12, 5, 10, 0, 0, 0, time.UTC),
		"P1Y2M3D":   time.Date(2028, 1, 28, 10, 0, 0, 0, time.UTC),
		"P":         {},
		"":          {},
		"2Y":        {},
		"P2W":       {},
		"PT1H":      {},
		"P-1Y":      {},
		"P1D1Y":     {},
		"P99999Y":   {},
		"P2Y\n":     {},
		"P2Y and 1": {},
	} {
		got, err := addPeriod(at, period)
		if !got.Equal(want) || (err == nil) == want.IsZero() {
			t.Errorf("%q: %v, error %v, want %v", period, got, err, want)
		}
	}
}
