package service

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Retention says how long the content of a case must be kept before it may be erased.
type Retention struct {
	// Period is an ISO 8601 period of years, months and days: "P0D", "P2Y".
	Period string `yaml:"period"`
	// From is what the period is counted from; FromEnd is the only start.
	From string `yaml:"from"`
	// Norm is the text of the norm that fixes the period; empty when Mark is "design".
	Norm string `yaml:"norm"`
	// Mark says how certain the period is: "verified" and "derived" need a norm, "design" is the product's own choice.
	Mark string `yaml:"mark"`
}

// FromEnd counts retention from the end of the case.
const FromEnd = "end"

var periodPattern = regexp.MustCompile(`^P(?:(\d{1,3})Y)?(?:(\d{1,3})M)?(?:(\d{1,4})D)?$`)

// Ends is the first instant at which content of a case that ended at closed may be erased.
func (r Retention) Ends(closed time.Time) time.Time {
	m := periodPattern.FindStringSubmatch(r.Period) // checked when the package was loaded
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1]) // digits, or empty for none
	}
	return closed.AddDate(n[0], n[1], n[2])
}

func (r Retention) check() error {
	var errs []error
	refuse := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("service.yaml: retention: "+format, args...))
	}
	if m := periodPattern.FindStringSubmatch(r.Period); m == nil || m[1]+m[2]+m[3] == "" {
		refuse("period: want years, months and days as in P2Y")
	}
	if r.From != FromEnd {
		refuse("from: want %q", FromEnd)
	}
	switch r.Mark {
	case "design":
		if r.Norm != "" {
			refuse("mark: a period that a norm fixes is verified or derived")
		}
	case "verified", "derived":
		if r.Norm == "" {
			refuse("norm: a period that is %s names its norm", r.Mark)
		}
	default:
		refuse("mark: want verified, derived or design")
	}
	return errors.Join(errs...)
}
