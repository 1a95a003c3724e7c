package event_test

import (
	"testing"

	"github.com/efa-broker/efa-broker/contracts/event"
)

// later is a type whose data have one more member than a program of before knows.
type later struct {
	event.TaskCompleted

	Channel string `json:"channel,omitempty" added:"9"`
}

func TestARepeatThroughAnotherVersionIsARepeatAndAnotherAnswerIsNot(t *testing.T) {
	t.Parallel()
	older, _ := event.Lookup(event.TypeTaskCompleted)
	newer := older
	newer.Data = later{}
	const (
		plain  = `{"task_id":"t","step":"s","pass":1,"outcome":"registered"}`
		richer = `{"task_id":"t","step":"s","pass":1,"outcome":"registered","channel":"http"}`
		other  = `{"task_id":"t","step":"s","pass":1,"outcome":"refused"}`
		facts  = `{"task_id":"t","step":"s","pass":1,"outcome":"registered","facts":{"a":true}}`
	)
	for name, c := range map[string]struct {
		typ             event.Type
		recorded, draft string
		want            bool
	}{
		"the same again":                             {older, plain, plain, true},
		"a newer one recorded it":                    {older, richer, plain, true},
		"an older one recorded it":                   {newer, plain, richer, true},
		"another value of the added member":          {newer, richer, plain, true},
		"another outcome":                            {older, plain, other, false},
		"another outcome after a newer one":          {older, richer, other, false},
		"another outcome after an older one":         {newer, plain, other, false},
		"more than was recorded":                     {older, plain, facts, false},
		"less than was recorded":                     {older, facts, plain, false},
		"a member that nobody has declared as added": {older, plain, richer, false},
		"no data": {older, `[]`, plain, false},
	} {
		if got := c.typ.Same([]byte(c.recorded), []byte(c.draft)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
