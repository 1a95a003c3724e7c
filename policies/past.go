package policies

import (
	"context"
	"slices"
	"sync"

	"github.com/efa-broker/efa-broker/contracts"
)

// maxPast is how many past policies stay loaded; one costs about half a megabyte and some milliseconds to load.
const maxPast = 4

// past loads the policies of past revisions and keeps the last few.
type past struct {
	bundles Bundles
	mu      sync.Mutex
	loaded  []*policy // the most recently used last
}

func newPast(bundles Bundles) *past { return &past{bundles: bundles} }

// policy is the policy of a past revision. What Bundles gives is checked against the revision before it is loaded.
func (p *past) policy(ctx context.Context, revision string) (*policy, error) {
	const op = "load past policy"
	if known := p.find(revision); known != nil {
		return known, nil
	}
	if p.bundles == nil {
		return nil, contracts.Errorf(contracts.NotFound, op, "no past policies are kept")
	}
	raw, err := p.bundles.Bundle(ctx, revision)
	if err != nil {
		return nil, contracts.Errorf(contracts.KindOf(err), op, "%w", err)
	}
	if revisionOf(raw) != revision {
		return nil, contracts.Errorf(contracts.Internal, op, "the stored bundle is not the one of its revision")
	}
	loaded, err := loadPolicy(ctx, raw)
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	p.keep(loaded)
	return loaded, nil
}

func (p *past) find(revision string) *policy {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := slices.IndexFunc(p.loaded, func(l *policy) bool { return l.revision.Policy == revision })
	if at < 0 {
		return nil
	}
	found := p.loaded[at]
	p.loaded = append(slices.Delete(p.loaded, at, at+1), found)
	return found
}

func (p *past) keep(loaded *policy) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loaded = append(p.loaded, loaded)
	if len(p.loaded) > maxPast {
		p.loaded = slices.Delete(p.loaded, 0, 1)
	}
}
