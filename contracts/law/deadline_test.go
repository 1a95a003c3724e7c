package law

import (
	"testing"
	"time"
)

func TestThePeriodEndsWithItsLastDayInGermany(t *testing.T) {
	t.Parallel()
	d := DeadlineRecord{ID: "gewo-15-1", LegalBasis: "GewO § 15(1)", Days: 3, SilenceEffect: None}
	for _, c := range []struct{ name, start, due string }{
		{"winter", "2026-11-24T09:00:00+01:00", "2026-11-27T23:59:59.999999+01:00"},
		{"the last instant of a day counts as that day", "2026-11-24T23:59:59.999999+01:00", "2026-11-27T23:59:59.999999+01:00"},
		{"evening in UTC is the next day in Germany", "2026-11-24T23:30:00Z", "2026-11-28T23:59:59.999999+01:00"},
		{"clocks go back inside the period", "2026-10-23T12:00:00+02:00", "2026-10-26T23:59:59.999999+01:00"},
		{"clocks go forward inside the period", "2027-03-26T12:00:00+01:00", "2027-03-29T23:59:59.999999+02:00"},
		{"end of the year", "2026-12-30T12:00:00+01:00", "2027-01-02T23:59:59.999999+01:00"},
		{"a Sunday does not move it yet", "2026-11-26T12:00:00+01:00", "2026-11-29T23:59:59.999999+01:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			start, err := time.Parse(time.RFC3339Nano, c.start)
			if err != nil {
				t.Fatal(err)
			}
			want, err := time.Parse(time.RFC3339Nano, c.due)
			if err != nil {
				t.Fatal(err)
			}
			got := d.Due(start)
			if got == nil || !got.Equal(want) || got.Location() != time.UTC {
				t.Errorf("due = %v, want %v in UTC", got, want.UTC())
			}
			if of := d.For(start); of.Law != d.ID || of.LegalBasis != d.LegalBasis || of.SilenceEffect != None || !of.Due.Equal(want) {
				t.Errorf("deadline = %+v", of)
			}
		})
	}
}

func TestWithoutUndueDelayThereIsNoDueInstant(t *testing.T) {
	t.Parallel()
	if due := (DeadlineRecord{UndueDelay: true}).Due(time.Now()); due != nil {
		t.Errorf("due = %v, want none", due)
	}
}

func TestOnlySilenceThatBindsMakesAnAnswerLate(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 11, 28, 22, 59, 59, 999_999_000, time.UTC)
	for _, c := range []struct {
		effect SilenceEffect
		due    *time.Time
		at     time.Time
		want   bool
	}{
		{DeemedGranted, &due, due.Add(-time.Millisecond), false},
		{DeemedGranted, &due, due, false},
		{DeemedGranted, &due, due.Add(time.Microsecond), true},
		{Disregardable, &due, due, false},
		{Disregardable, &due, due.Add(time.Microsecond), true},
		{None, &due, due.Add(time.Hour), false},
		{DeemedGranted, nil, due.Add(time.Hour), false},
	} {
		d := Deadline{Due: c.due, SilenceEffect: c.effect}
		if got := d.Late(c.at); got != c.want {
			t.Errorf("%s at %s: late %v", c.effect, c.at, got)
		}
	}
}
