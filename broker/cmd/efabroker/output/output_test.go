package output_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
)

func TestTablesAlignByCharacters(t *testing.T) {
	t.Parallel()
	got := output.Table([][]string{{"NAME", "N", "X"}, {"Müller & Söhne", "1", ""}, {"", "12", "y"}})
	want := []string{"NAME            N   X", "Müller & Söhne  1   -", "-               12  y"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNumbersShortenFieldIDs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fields []string
		want   string
	}{
		{nil, ""},
		{[]string{"gewa1.1"}, "gewa1 1"},
		{[]string{"gewa1.11", "gewa1.3", "gewa1.4", "gewa1.5", "gewa1.1", "gewa1.12"}, "gewa1 1, 3–5, 11, 12"},
		{[]string{"gewa3.2", "gewa1.1", "plot", "s.a"}, "gewa3 2; gewa1 1; plot, s.a"},
	} {
		if got := output.Numbers(tt.fields); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.fields, got, tt.want)
		}
	}
}

func TestAnEmptyListIsAnArrayForMachinesAndAHeaderForPeople(t *testing.T) {
	t.Parallel()
	for machine, want := range map[bool]string{true: "[]\n", false: "A  B\n"} {
		var out bytes.Buffer
		p := output.Printer{Out: &out, JSON: machine}
		if err := output.List(p, []int(nil), []string{"A", "B"}, func(int) []string { return nil }); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	}
}

func TestPeopleReadInstantsInTheirZone(t *testing.T) {
	t.Parallel()
	p := output.Printer{Zone: time.FixedZone("MEZ", 3600)}
	at := time.Date(2026, 11, 25, 23, 30, 0, 0, time.UTC)
	if got := p.Moment(&at); got != "2026-11-26 00:30:00" {
		t.Errorf("got %s", got)
	}
	if got := p.Moment(nil); got != "-" {
		t.Errorf("an absent instant is %q", got)
	}
}
