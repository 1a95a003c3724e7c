package report

import (
	"strconv"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/contracts/deadletter"
)

// Letter is everything that is kept of a letter; p knows the zone of instants.
func Letter(p output.Printer, l deadletter.Letter) []string {
	place := ""
	if l.Partition != nil && l.Offset != nil {
		place = "partition " + strconv.Itoa(*l.Partition) + ", offset " + strconv.FormatInt(*l.Offset, 10)
	}
	stops := "nothing"
	switch {
	case l.State.Stops() && l.Consumer == "":
		stops = "its case for every consumer"
	case l.State.Stops():
		stops = "its case for " + l.Consumer
	}
	return output.Pairs(
		"letter", l.ID, "state", string(l.State), "reason", string(l.Reason), "stops", stops,
		"case", l.Case, "sequence", Number(l.CaseSeq), "event", l.Event, "type", l.Type,
		"topic", l.Topic, "place", place, "bytes", strconv.FormatInt(l.Size, 10), "digest", l.Digest,
		"version", l.SpecVersion, "media type", l.MediaType, "times", strconv.FormatInt(l.Times, 10),
		"first", p.Instant(l.FirstAt), "last", p.Instant(l.LastAt), "resent", p.Moment(l.ResentAt), "by", l.ResentBy, "why", l.ResentWhy,
	)
}

// Number is empty for what is not known.
func Number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
