package report

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/measure"
	"github.com/efa-broker/efa-broker/contracts"
)

// Table writes the report for people.
func (r Report) Table(out io.Writer) error {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "%s form, %s, %d cores, %s/%s, %s, load %.1f at the start, fsync of 4 KiB %s ms\n", r.Form, r.Date.Format("2006-01-02 15:04"), m.Cores, m.OS, m.Arch, m.Go, m.Load, spread(m.Fsync))
	fmt.Fprintf(&b, "%d clients, %d rounds after a warm-up, in turns with the baseline; min / median / max; peak memory %d MiB\n", r.Settings.Clients, r.Settings.Rounds, r.PeakRSS>>20)
	if r.Settings.Quick {
		b.WriteString("This was a quick run: it shows that the benchmark works, its figures mean nothing.\n")
	}
	b.WriteString("\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0) // it keeps an error until Flush
	_, _ = fmt.Fprintln(w, "FIGURE\tVALUE\tBASELINE\tRATIO\tTARGET\tUNIT")
	for _, f := range r.Figures {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", f.Name, spread(f.Value), spread(f.Baseline.Value), spread(f.Ratio), f.Target, f.Unit)
	}
	if err := w.Flush(); err != nil {
		return contracts.Errorf(contracts.Internal, "write report", "%w", err)
	}
	for i := range r.Figures {
		r.Figures[i].explain(&b)
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return contracts.Errorf(contracts.Internal, "write report", "%w", err)
	}
	return nil
}

func (f *Figure) explain(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s: %s\n  baseline: %s\n", f.Name, f.Title, f.Baseline.Title)
	if f.Price > 0 {
		fmt.Fprintf(b, "  CPU of this process: %s µs an operation, baseline %s; %d operations a round\n", number(f.Price), number(f.BaselinePrice), f.Operations)
	}
	for _, p := range f.Parts {
		fmt.Fprintf(b, "  %s: %s %s\n", p.Title, spread(p.Value), p.Unit)
	}
	for _, n := range f.Notes {
		fmt.Fprintf(b, "  %s\n", n)
	}
}

// String is the bound and whether it was kept.
func (t *Target) String() string {
	if t == nil {
		return "–"
	}
	verdict := "missed"
	if t.Reached {
		verdict = "reached"
	}
	sign, bound := "≥", t.AtLeast
	if bound == nil {
		sign, bound = "≤", t.AtMost
	}
	return fmt.Sprintf("%s %s %s: %s", t.Of, sign, number(*bound), verdict)
}

func spread(s measure.Spread) string {
	return number(s.Min) + " / " + number(s.Median) + " / " + number(s.Max)
}

// number shows three digits that count.
func number(x float64) string {
	switch a := math.Abs(x); {
	case a >= 100 || x == 0:
		return fmt.Sprintf("%.0f", x)
	case a >= 10:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.2f", x)
	}
}
