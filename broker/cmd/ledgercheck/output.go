package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/verdict"
)

// write prints the verdict for people or for machines.
func write(w io.Writer, r verdict.Report, machine bool) error {
	if machine {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	result, f := "whole", r.Figures
	if !r.Whole {
		result = "NOT WHOLE"
	}
	line := func(cells ...string) { _, _ = io.WriteString(t, strings.Join(cells, "\t")+"\n") } // Flush has the error
	line("result", result)
	line("submissions", fmt.Sprintf("%d sent, %d accepted, %d not known", f.Submissions, f.Accepted, f.Unknown))
	line("ledger", fmt.Sprintf("%d cases, %d events, %d still on their way", f.Cases, f.Events, f.Open))
	line("event log", fmt.Sprintf("%d records, %d answers taken from topics of authorities", f.Records, f.Answers))
	line("recipients", fmt.Sprintf("%d deliveries, seen %d times, %d of them again", f.Deliveries, f.Seen, f.SeenAgain))
	line("canaries", strconv.Itoa(f.Canaries))
	line("")
	line("RULE", "VERDICT", "CHECKED", "BROKEN")
	for _, rule := range r.Rules {
		word := "holds"
		if !rule.Holds {
			word = "BROKEN"
		}
		line(rule.Rule, word, strconv.Itoa(rule.Checked), strconv.Itoa(len(rule.Violations)+rule.More))
	}
	if len(r.Balance) > 0 {
		line("")
		line("AUTHORITY", "ANNOUNCED", "ACCEPTED", "REJECTED", "OPEN", "WAITING", "PUT ASIDE")
	}
	for _, b := range r.Balance {
		line(b.Authority, strconv.Itoa(b.Announced), strconv.Itoa(b.Accepted), strconv.Itoa(b.Rejected), strconv.Itoa(b.Open), strconv.Itoa(b.Waiting), strconv.Itoa(b.Aside))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return violations(w, r.Rules)
}

// violations names what breaks the rules: where, and which ids.
func violations(w io.Writer, rules []verdict.Result) error {
	var b strings.Builder
	for _, rule := range rules {
		if rule.Holds {
			continue
		}
		fmt.Fprintf(&b, "\n%s\n", rule.Rule)
		for _, v := range rule.Violations {
			fmt.Fprintf(&b, "  %s: %s: %s\n", v.Where, v.What, strings.Join(v.IDs, ", "))
		}
		if rule.More > 0 {
			fmt.Fprintf(&b, "  and %d more\n", rule.More)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
