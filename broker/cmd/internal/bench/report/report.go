package report

import (
	"encoding/json"
	"io"
	"time"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/measure"
	"github.com/efa-broker/efa-broker/contracts"
)

// Report is one run.
type Report struct {
	// Date is when the run began, UTC.
	Date time.Time `json:"date"`
	// Form says what the broker stood on: "embedded", "production" or "sqlite".
	Form     string   `json:"form"`
	Machine  Machine  `json:"machine"`
	Settings Settings `json:"settings"`
	Figures  []Figure `json:"figures"`
	// PeakRSS is the most memory that the process had resident, in bytes, baselines included.
	PeakRSS int64 `json:"peak_rss_bytes"`
}

// Settings say how it was measured.
type Settings struct {
	Clients int `json:"clients"`
	// Rounds count; one more went before and did not.
	Rounds int `json:"rounds"`
	// Quick runs show that the benchmark works; their figures mean nothing.
	Quick   bool    `json:"quick"`
	Minutes float64 `json:"minutes"`
}

// Figure is one number with what it is compared with.
type Figure struct {
	// Name is the one that --only takes.
	Name string `json:"name"`
	// Title says in a line what was measured.
	Title string `json:"title"`
	// Unit is that of Value and of the baseline.
	Unit  string         `json:"unit"`
	Value measure.Spread `json:"value"`
	// Baseline was measured in the same rounds, in turns with Value.
	Baseline Baseline `json:"baseline"`
	// Ratio is value / baseline, round by round.
	Ratio measure.Spread `json:"ratio"`
	// Target is what is to be reached; nil when there is none in this form.
	Target *Target `json:"target,omitempty"`
	// Price and BaselinePrice are CPU time of this process per operation, in microseconds; 0 where it says nothing.
	Price         float64 `json:"cpu_us_per_operation,omitempty"`
	BaselinePrice float64 `json:"baseline_cpu_us_per_operation,omitempty"`
	// Operations were done in each round.
	Operations int `json:"operations"`
	// Parts are further numbers of the same rounds.
	Parts []Part `json:"parts,omitempty"`
	// Notes say what a reader has to know to read the number rightly.
	Notes []string `json:"notes,omitempty"`
}

// Baseline is the other side.
type Baseline struct {
	Title string         `json:"title"`
	Value measure.Spread `json:"value"`
}

// Part is a number within a figure.
type Part struct {
	Title string         `json:"title"`
	Unit  string         `json:"unit"`
	Value measure.Spread `json:"value"`
}

// Target bounds the median of the ratio, or of the value.
type Target struct {
	// Of is "ratio" or "value".
	Of string `json:"of"`
	// AtLeast or AtMost bounds it.
	AtLeast *float64 `json:"at_least,omitempty"`
	AtMost  *float64 `json:"at_most,omitempty"`
	Reached bool     `json:"reached"`
}

// AtLeast is a target for the ratio or the value.
func AtLeast(of string, bound float64) *Target { return &Target{Of: of, AtLeast: &bound} }

// AtMost is a target for the ratio or the value.
func AtMost(of string, bound float64) *Target { return &Target{Of: of, AtMost: &bound} }

// Judge says whether the target of f is reached.
func (f *Figure) Judge() {
	if f.Target == nil {
		return
	}
	at := f.Value.Median
	if f.Target.Of == "ratio" {
		at = f.Ratio.Median
	}
	f.Target.Reached = (f.Target.AtLeast == nil || at >= *f.Target.AtLeast) && (f.Target.AtMost == nil || at <= *f.Target.AtMost)
}

// JSON writes the report for machines.
func (r Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return contracts.Errorf(contracts.Internal, "write report", "%w", err)
	}
	return nil
}
