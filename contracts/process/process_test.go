package process_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/process"
)

func env() process.Env {
	records := map[string]law.DeadlineRecord{
		"gewo-15-1": {
			ID: "gewo-15-1", LegalBasis: "GewO § 15(1)", Jurisdiction: "DE", Days: 3, StartEvent: "receipt",
			SilenceEffect: law.None, Begins: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), Mark: "verified",
		},
		"gewo-14-1-s3": {
			ID: "gewo-14-1-s3", LegalBasis: "GewO § 14(1) s. 3", Jurisdiction: "DE", UndueDelay: true,
			StartEvent: "certificate", SilenceEffect: law.None,
			Begins: time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC), Mark: "design",
		},
		"baugb-36": {ID: "baugb-36", Days: 60, StartEvent: "receipt", SilenceEffect: law.DeemedGranted},
		"baybo-65": {ID: "baybo-65", Days: 30, StartEvent: "receipt", SilenceEffect: law.Disregardable},
	}
	return process.Env{
		Facts: map[string]fact.Declaration{
			"register":                 {Type: "enum", Values: []string{"commercial", "cooperative", "none"}},
			"foreign_trader":           {Type: "boolean", Sensitive: true},
			"full_move":                {Type: "boolean"},
			"indications_of_violation": {Type: "boolean"},
			"staff":                    {Type: "integer", Minimum: 0, Maximum: 10_000},
		},
		Roles:    []authority.Role{authority.Lead, authority.Previous},
		Purposes: []string{"notice.register", "notice.forward", "notice.inform", "statistics"},
		Deadline: func(id string) (law.DeadlineRecord, error) {
			if r, ok := records[id]; ok {
				return r, nil
			}
			return law.DeadlineRecord{}, errors.New("unknown")
		},
	}
}

func read(tb testing.TB, file string) []byte {
	tb.Helper()
	src, err := os.ReadFile("testdata/" + file)
	if err != nil {
		tb.Fatal(err)
	}
	return src
}
