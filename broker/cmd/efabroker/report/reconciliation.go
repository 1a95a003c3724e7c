package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/contracts/reconciliation"
)

// Progress is how far a run is, in one line.
func Progress(r reconciliation.Report) string {
	const width = 20
	filled := 0
	if r.Total > 0 {
		filled = int(width * min(r.Done, r.Total) / r.Total)
	}
	bar := strings.Repeat("#", filled) + strings.Repeat(".", width-filled)
	return fmt.Sprintf("%-15s [%s] %d of %d", r.Phase, bar, r.Done, r.Total)
}

// Reconciliation is a run with everything that it found.
func Reconciliation(run reconciliation.Run) []string {
	r := run.Report
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	verdict := "nothing is to be repaired"
	switch {
	case run.State != reconciliation.Done:
		verdict = string(run.State)
	case run.Kind == reconciliation.Repair:
		verdict = "repaired"
	case !r.Consistent:
		verdict = "SOMETHING IS TO BE REPAIRED"
	}
	lines := output.Pairs(
		"result", verdict,
		"ledger", n(r.Ledger.Cases)+" cases, "+n(r.Ledger.OpenCases)+" open, "+n(r.Ledger.Events)+" events, "+n(r.Ledger.Unpublished)+" to be published, "+
			n(r.Ledger.Stopped)+" cases stopped by a dead letter",
		"event log", n(r.Log.Records)+" records, "+n(r.Log.Lost)+" events lost, "+n(r.Log.Aged)+" aged, "+n(r.Log.Foreign+r.Log.Undecodable)+" foreign",
		"consumers", n(r.Log.NotHandedOver)+" cases not handed over, "+n(r.Log.Behind)+" behind",
		"process engine", n(r.Engine.Running)+" running, "+n(r.Engine.Absent)+" absent, "+n(r.Engine.Ended)+" ended, "+n(r.Engine.Behind)+" behind, "+
			n(r.Engine.Silent)+" silent",
	)
	if run.Kind == reconciliation.Repair {
		lines = append(lines, output.Pairs("repaired", n(r.Log.Republished)+" events published again, "+n(r.Engine.Resumed)+" processes started, "+
			n(r.Engine.HandedOver)+" events handed over again")...)
	}
	if len(r.Findings) == 0 {
		return lines
	}
	rows := [][]string{{"FOUND", "CASE", "DETAIL", "REPAIR"}}
	for _, f := range r.Findings {
		rows = append(rows, []string{string(f.Kind), f.Case, f.Detail, f.Repair})
	}
	lines = append(append(lines, ""), output.Table(rows)...)
	if r.MoreFindings > 0 {
		lines = append(lines, "and "+n(r.MoreFindings)+" more")
	}
	return lines
}
