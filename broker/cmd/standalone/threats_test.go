package main_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	threatRow  = regexp.MustCompile(`^\| (\d+)\.([STRIDE]) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$`)
	threatTest = regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w+)`")
	laterPart  = regexp.MustCompile(`^part [2-6]: \w.{5,}$`)
	arrow      = regexp.MustCompile(`^## (\d+)\. `)
)

// threatFaults says what is wrong with the page of threats: a threat without a test that exists or a part with its
// reason, an arrow without all six words of STRIDE, a row that cannot be read.
func threatFaults(page string, tests map[string]bool) []string {
	var faults []string
	letters := map[string]string{}
	var arrows []string
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n")
		if m := arrow.FindStringSubmatch(line); m != nil {
			arrows = append(arrows, m[1])
		}
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") || strings.HasPrefix(line, "| id |") {
			continue
		}
		m := threatRow.FindStringSubmatch(line)
		if m == nil {
			faults = append(faults, "cannot be read as a threat: "+line)
			continue
		}
		letters[m[1]] += m[2]
		if why := unproven(m[5], tests); why != "" {
			faults = append(faults, fmt.Sprintf("%s.%s %s", m[1], m[2], why))
		}
	}
	for _, a := range arrows {
		if letters[a] != "STRIDE" {
			faults = append(faults, fmt.Sprintf("arrow %s has the rows %q, want STRIDE", a, letters[a]))
		}
		delete(letters, a)
	}
	for a := range letters {
		faults = append(faults, fmt.Sprintf("arrow %s has rows and no heading", a))
	}
	if len(arrows) < 10 {
		faults = append(faults, fmt.Sprintf("only %d arrows", len(arrows)))
	}
	return faults
}

// unproven says why a cell proves nothing, or returns "".
func unproven(proof string, tests map[string]bool) string {
	if laterPart.MatchString(proof) {
		return ""
	}
	named := threatTest.FindAllStringSubmatch(proof, -1)
	if len(named) == 0 {
		return "names neither a test nor a part with its reason"
	}
	for _, m := range named {
		if !tests[m[1]] {
			return "names " + m[1] + ", which does not exist"
		}
	}
	return ""
}

func TestEveryThreatHasItsTest(t *testing.T) {
	t.Parallel()
	for _, fault := range threatFaults(readRoot(t, "broker/THREATS.md"), testNames(t)) {
		t.Error(fault)
	}
}

func TestThePageOfThreatsCannotPretend(t *testing.T) {
	t.Parallel()
	page, tests := readRoot(t, "broker/THREATS.md"), testNames(t)
	for name, c := range map[string]struct{ old, with, want string }{
		"a test that is not":   {"`TestForgedTokensAreRefusedAndLeaveNothing`", "`TestThatNobodyWrote`", "names TestThatNobodyWrote"},
		"no proof":             {"| `TestRefusalsOfOpenRoutesAreAuditedToo` |", "| we are careful |", "1.R names neither"},
		"a part without words": {"| part 5: mutual TLS |", "| part 5 |", "10.S names neither"},
		"a threat left out":    {"| 3.D |", "| 3.X |", "cannot be read"},
		"a missing letter":     {"| 7.E |", "| 7.D |", `arrow 7 has the rows "STRIDD"`},
	} {
		changed := strings.Replace(page, c.old, c.with, 1)
		if changed == page {
			t.Fatalf("%s: %q does not stand on the page", name, c.old)
		}
		if faults := threatFaults(changed, tests); !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, c.want) }) {
			t.Errorf("%s: %v", name, faults)
		}
	}
}
