package policies

import (
	"fmt"
	"testing"

	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

func BenchmarkDecide(b *testing.B) {
	e, book := setup(b)
	permit, _ := book.Recipient("trade_permit")
	for _, c := range []struct {
		stage  decision.Stage
		fields int
	}{{decision.Abstract, 33}, {decision.Concrete, 4}, {decision.Concrete, 12}, {decision.Concrete, 33}} {
		in := asking(book, "gewa1", permit)
		in.Stage, in.Fields = c.stage, in.Fields[:c.fields]
		b.Run(fmt.Sprintf("%s/fields=%d", c.stage, c.fields), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Decide(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAllow(b *testing.B) {
	e, _ := setup(b)
	in := decision.AccessInput{Role: actor.System, Action: decision.ContentFetch, Relation: decision.Holder}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := e.Allow(b.Context(), in); err != nil || !ok {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	e, _ := setup(b)
	raw := e.Bundle()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := loadPolicy(b.Context(), raw); err != nil {
			b.Fatal(err)
		}
	}
}
