package generate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/event/internal/generate"
)

// The lint of the events: what could hold a sentence or a name of a person is refused.
func TestAnEventWithFreeTextCannotBeGenerated(t *testing.T) {
	t.Parallel()
	type word string
	for name, data := range map[string]any{
		"a text of another name": struct {
			Note string `json:"note"`
		}{},
		"texts of another name": struct {
			Notes []string `json:"notes"`
		}{},
		"a type that checks nothing": struct {
			Reason word `json:"reason"`
		}{},
		"anything": struct {
			Step any `json:"step"`
		}{},
		"bytes": struct {
			Digest []byte `json:"digest"`
		}{},
		"a map": struct {
			Step map[string]string `json:"step"`
		}{},
		"a float": struct {
			Pass float64 `json:"pass"`
		}{},
		"a nested text": struct {
			Origin struct {
				Name string `json:"name"`
			} `json:"opened_by"`
		}{},
		"a field without name": struct{ Step string }{},
		"an embedded struct":   struct{ time.Time }{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := generate.Schema(event.Type{Name: "de.efa.test.done.v1", Data: data})
			if err == nil || !strings.Contains(err.Error(), "de.efa.test.done.v1") {
				t.Fatalf("got %v", err)
			}
		})
	}
}
