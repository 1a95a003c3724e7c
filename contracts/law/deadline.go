package law

import (
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // Europe/Berlin must be known on a machine without zone files
)

// resolution is that of the ledger's clock.
const resolution = time.Microsecond

// Due is the last instant of the period whose start event happened at start: the end of the last day in Europe/Berlin,
// as a UTC instant of the ledger's resolution (one microsecond). What is received at Due is in time. The day of the
// start event does not count (BGB § 187(1)), the period ends with the end of its last day (BGB § 188(1)). Due is nil
// where the norm says "without undue delay". Weekends and holidays do not move it yet (VwVfG § 31(3)).
func (d DeadlineRecord) Due(start time.Time) *time.Time {
	if d.UndueDelay {
		return nil
	}
	y, m, day := start.In(berlin()).Date()
	due := time.Date(y, m, day+d.Days+1, 0, 0, 0, 0, berlin()).Add(-resolution).UTC()
	return &due
}

// For fixes the deadline of a task whose start event happened at start.
func (d DeadlineRecord) For(start time.Time) Deadline {
	return Deadline{Law: d.ID, LegalBasis: d.LegalBasis, Due: d.Due(start), SilenceEffect: d.SilenceEffect}
}

// Binds reports whether silence at the due instant ends a task: under None it says nothing, and the task stays open.
func (e SilenceEffect) Binds() bool { return e == DeemedGranted || e == Disregardable }

// Late reports whether an answer received at the instant at came too late to count: silence had decided before, at Due.
// What is received at Due is in time.
func (d Deadline) Late(at time.Time) bool {
	return d.Due != nil && d.SilenceEffect.Binds() && at.After(*d.Due)
}

// readDeadlines reads the deadline records.
func (s source) readDeadlines() ([]DeadlineRecord, error) {
	var records []DeadlineRecord
	if err := s.readYAML("deadlines.yaml", &records); err != nil {
		return nil, err
	}
	for i := range records {
		r := &records[i]
		r.Begins, r.Ends = midnight(r.Begins), midnight(r.Ends)
	}
	return records, checkDeadlines(records)
}

func checkDeadlines(records []DeadlineRecord) error {
	for i, r := range records {
		if err := r.check(); err != nil {
			return fmt.Errorf("deadline %q: %w", r.ID, err)
		}
		for _, other := range records[:i] {
			if other.ID == r.ID && (inForce(r.Begins, r.Ends, other.Begins) || inForce(other.Begins, other.Ends, r.Begins)) {
				return fmt.Errorf("deadline %q: two records are in force at one time", r.ID)
			}
		}
	}
	return nil
}

func (d DeadlineRecord) check() error {
	if d.ID == "" || d.Instrument == "" || d.LegalBasis == "" || d.Jurisdiction == "" || d.StartEvent == "" || d.Mark == "" || d.Begins.IsZero() {
		return errors.New("id, instrument, legal basis, jurisdiction, start event, begin and mark are required")
	}
	if d.UndueDelay == (d.Days > 0) {
		return errors.New("want either a period of at least one day or undue_delay")
	}
	if d.UndueDelay && d.SilenceEffect.Binds() {
		return errors.New("silence decides at a due instant only, and undue_delay has none")
	}
	switch d.SilenceEffect {
	case DeemedGranted, Disregardable, None:
		return nil
	}
	return fmt.Errorf("silence effect %q is not known", d.SilenceEffect)
}

// midnight is the instant at which the calendar day of date begins in Germany; a zero date stays zero.
func midnight(date time.Time) time.Time {
	if date.IsZero() {
		return time.Time{}
	}
	y, m, d := date.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, berlin()).UTC()
}

// berlin is the zone in which German law counts days.
func berlin() *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err) // time/tzdata is linked
	}
	return zone
}
