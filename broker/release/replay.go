package release

import (
	"context"
	"maps"
	"slices"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// Replay decides the recorded input again on the recorded policy revision and compares field by field.
func (r *Release) Replay(ctx context.Context, v actor.Viewer, id string) (Replay, error) {
	rec, err := r.record(ctx, v, id, decision.DisclosureReplay)
	if err != nil {
		return Replay{}, err
	}
	revision := rec.Document.Revision.Policy
	doc, err := r.cfg.Decider.Replay(ctx, revision, rec.Input)
	if err != nil {
		return Replay{}, contracts.Errorf(contracts.KindOf(err), "replay decision", "%w", err)
	}
	got := Replay{DecisionId: id, PolicyRevision: revision}
	differ := differences(rec.Document, doc)
	got.Identical = len(differ) == 0 && doc.Outcome == rec.Document.Outcome && doc.LegalBasis == rec.Document.LegalBasis
	if len(differ) > 0 {
		got.Differences = &differ
	}
	return got, nil
}

// differences lists the fields that two documents decide otherwise, sorted.
func differences(a, b decision.Document) []string {
	fields := map[string]bool{}
	for _, m := range []map[string]decision.Field{a.Release, b.Release} {
		for name := range maps.Keys(m) {
			fields[name] = true
		}
	}
	for _, m := range []map[string][]string{a.Withhold, b.Withhold} {
		for name := range maps.Keys(m) {
			fields[name] = true
		}
	}
	maps.DeleteFunc(fields, func(name string, _ bool) bool {
		was, releasedThen := a.Release[name]
		is, releasedNow := b.Release[name]
		return releasedThen == releasedNow && was == is && slices.Equal(a.Withhold[name], b.Withhold[name])
	})
	return sorted(fields)
}
