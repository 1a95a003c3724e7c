package output

import (
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
)

// Printer writes results for people or for machines.
type Printer struct {
	Out io.Writer
	// JSON chooses the form for machines.
	JSON bool
	// Zone is the zone in which people read instants.
	Zone *time.Location
}

// Object writes v as JSON for machines.
func (p Printer) Object(v any) error {
	enc := json.NewEncoder(p.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return Written(enc.Encode(v))
}

// Record writes v as JSON on one line, for streams.
func (p Printer) Record(v any) error {
	enc := json.NewEncoder(p.Out)
	enc.SetEscapeHTML(false)
	return Written(enc.Encode(v))
}

// Lines writes lines for people.
func (p Printer) Lines(lines ...string) error {
	_, err := io.WriteString(p.Out, strings.Join(lines, "\n")+"\n")
	return Written(err)
}

// Instant is how people read an instant.
func (p Printer) Instant(t time.Time) string { return t.In(p.Zone).Format("2006-01-02 15:04:05") }

// Moment is Instant for one that may be absent.
func (p Printer) Moment(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return p.Instant(*t)
}

// Written wraps the error of a write.
func Written(err error) error {
	if err != nil {
		return contracts.Errorf(contracts.Internal, "write output", "%w", err)
	}
	return nil
}

// List prints a list: JSON array for machines, a table for people.
func List[T any](p Printer, items []T, header []string, row func(T) []string) error {
	if p.JSON {
		if items == nil {
			items = []T{}
		}
		return p.Object(items)
	}
	rows := [][]string{header}
	for _, item := range items {
		rows = append(rows, row(item))
	}
	return p.Lines(Table(rows)...)
}

// Show prints one thing: JSON object for machines, lines for people.
func Show[T any](p Printer, item T, lines func(T) []string) error {
	if p.JSON {
		return p.Object(item)
	}
	return p.Lines(lines(item)...)
}
