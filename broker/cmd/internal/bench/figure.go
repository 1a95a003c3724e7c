package bench

import (
	"context"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/report"
)

// needs is what has to be there for a figure.
type needs int

const (
	// store is the broker's own stores.
	store needs = iota
	// eventLog is an event log beside them.
	eventLog
	// engine is the running broker on all its engines.
	engine
)

// figure is one line of the list.
type figure struct {
	name  string
	title string
	needs needs
	// turns is how often the bar moves on, but for the warm-up and each round.
	sides   int
	measure func(*run, context.Context) (report.Figure, error)
}

// figures is the list.
func figures() []figure {
	return []figure{
		{"outcome", "durable intake of a task's outcome", store, 2, (*run).outcome},
		{"submission", "durable intake of a submission with 4 KiB of content", store, 2, (*run).submission},
		{"register", "cost of an event with 11,000 authorities", store, 3, (*run).register},
		{"price", "CPU per event of ingress, relay and delivery", eventLog, 2, (*run).price},
		{"flow", "intake, relay and delivery at once", eventLog, 2, (*run).flow},
		{"idle", "memory of the idle broker", engine, 0, (*run).idle},
		{"process", "whole cases per second", engine, 2, (*run).process},
		{"latency", "from acceptance to announcement", engine, 2, (*run).latency},
		{"memory", "memory under load", engine, 0, (*run).memory},
	}
}

func names(list []figure) []string {
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = f.name
	}
	return out
}

// Names lists the figures with what each measures.
func Names() (lines []string) {
	for _, f := range figures() {
		lines = append(lines, f.name+": "+f.title)
	}
	return lines
}

// sizes are operations per round.
type sizes struct {
	outcomes, submissions, registered, priced, copied, flowed, cases, inFlight int
	levels                                                                     []int
}

func sizesOf(o Options) sizes {
	if o.Quick {
		return sizes{16, 8, 6, 16, 20, 16, 3, 2, []int{40, 60, 80}}
	}
	return sizes{800, 320, 160, 800, 4000, 1200, 60, 16, []int{10, 1000, 11000}}
}
