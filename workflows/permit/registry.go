package permit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/process"
)

// readTimeout bounds the one read that workflow code may do; it stays below the SDK's deadlock detector (1 s).
const readTimeout = 500 * time.Millisecond

// registry keeps opened definitions by hash. It only adds, and a hash names one document for ever, so workflow code that
// asks it gets the same answer in every replay (workflowcheck.yaml declares lookup as deterministic for that reason).
type registry struct {
	source Source
	logger *slog.Logger

	mu    sync.Mutex
	known map[string]*process.Definition
}

func newRegistry(source Source, logger *slog.Logger) *registry {
	return &registry{source: source, logger: logger, known: map[string]*process.Definition{}}
}

// preload opens definitions before the first case asks for them.
func (r *registry) preload(ctx context.Context, hashes []string) error {
	for _, h := range hashes {
		if _, err := r.open(ctx, h); err != nil {
			return err
		}
	}
	return nil
}

// lookup is for workflow code. A definition that cannot be had stops the workflow task, which the server retries: the
// case waits until a worker that knows its definition arrives.
func (r *registry) lookup(hash string) *process.Definition {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	d, err := r.open(ctx, hash)
	if err != nil {
		r.logger.Error("case waits for its definition", "definition", hash, "error", err)
		panic(stopDefinition)
	}
	return d
}

func (r *registry) open(ctx context.Context, hash string) (*process.Definition, error) {
	const op = "find definition"
	if d := r.cached(hash); d != nil {
		return d, nil
	}
	doc, err := r.source.Definition(ctx, hash)
	if err != nil {
		return nil, &contracts.Error{Kind: contracts.KindOf(err), Op: op, Subject: hash, Err: err}
	}
	d, err := process.Open(doc)
	if err != nil {
		return nil, &contracts.Error{Kind: contracts.Internal, Op: op, Subject: hash, Err: err}
	}
	if d.Hash() != hash {
		return nil, contracts.Errorf(contracts.Internal, op, "the row of %s holds the document %s", hash, d.Hash())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[hash] = d
	return d, nil
}

func (r *registry) cached(hash string) *process.Definition {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[hash]
}
