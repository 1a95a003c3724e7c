package ingress

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/cloudevent"
	"github.com/efa-broker/efa-broker/contracts/cloudevent/seal"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/event/answer"
)

// Record is an entry of a topic.
type Record struct {
	cloudevent.Record
	Topic     string
	Partition int
	Offset    int64
}

// Effect writes the rows of an answer in the caller's transaction.
type Effect = func(ctx context.Context, tx *sqlstore.Tx) error

// Receipt is when an answer was received, and about which case it says that it is.
type Receipt struct {
	event.Reception
	Case string
}

// Answers is what answers do; each method checks what can be checked before the transaction, exactly as for HTTP.
type Answers interface {
	Complete(ctx context.Context, v actor.Viewer, r Receipt, a answer.Completed) (Effect, error)
	Return(ctx context.Context, v actor.Viewer, r Receipt, a answer.Returned) (Effect, error)
	Accept(ctx context.Context, v actor.Viewer, r Receipt, a answer.Accepted) (Effect, error)
	Reject(ctx context.Context, v actor.Viewer, r Receipt, a answer.Rejected) (Effect, error)
}

// Deadlines knows until when answers are in time.
type Deadlines interface {
	// Due is the due instant of a task; zero when it has none or is not known.
	Due(ctx context.Context, taskID string) (time.Time, error)
	// NextDue is the earliest due instant, not before from, that waits for an answer of the authority; false when none does.
	NextDue(ctx context.Context, a authority.ID, from time.Time) (time.Time, bool, error)
}

// Principals knows who may speak.
type Principals interface {
	// Machine is Unauthenticated for a client that is unknown or revoked.
	Machine(ctx context.Context, id string) (actor.Viewer, error)
}

// Refusal is why a record of an authority's topic was refused.
type Refusal struct {
	Authority authority.ID
	// Sender is the machine client that proved to have sent it; empty when nobody did.
	Sender string
	Reason cloudevent.FaultError
}

// Refusals keeps what was refused, in the caller's transaction: a dead letter without a byte of the record, and an audit
// line.
type Refusals interface {
	Refuse(ctx context.Context, tx *sqlstore.Tx, r Record, why Refusal) error
}

// Outboxes are the topics of authorities; see adapters/eventlog for Follow.
type Outboxes interface {
	// Ensure makes a topic exist whose records are stamped by the log, if it can stamp at all.
	Ensure(ctx context.Context, topic string) error
	Follow(ctx context.Context, topic string, from func(ctx context.Context, partition int) (int64, error), handle func(ctx context.Context, batch []Record) error) error
	// End is the offset that the next record of a partition will have.
	End(ctx context.Context, topic string, partition int) (int64, error)
	// Before is the offset behind the records of a partition that were appended before at. It is Unsupported when the log
	// stamps nothing.
	Before(ctx context.Context, topic string, partition int, at time.Time) (int64, error)
	// Stamps asks every broker of the log that leads a part of the topic of clocks what time it stamps with now. It is
	// Unsupported when the log stamps nothing.
	Stamps(ctx context.Context, now func() time.Time) ([]Stamp, error)
	// Leaders are the brokers that stamp what is written to the topics; one that does not exist has none.
	Leaders(ctx context.Context, topics ...string) ([]int, error)
}

// Config is what ingress needs. All members are required but for those with a default.
type Config struct {
	DB *sqlstore.DB
	// Ring holds the keys of the authorities that speak Kafka.
	Ring       seal.Ring
	Outboxes   Outboxes
	Answers    Answers
	Deadlines  Deadlines
	Principals Principals
	Refusals   Refusals
	Leases     lease.Keeper
	Operator   authority.OperatorID
	Log        *slog.Logger
	// ClockOff is told of each look that found the log's clock off. May be nil.
	ClockOff func()
	// Interval is how often is looked for deadlines that wait for a topic to be read, and half as often at the log's clock.
	// Defaults to one second.
	Interval time.Duration
	// Pause is the pause before something is tried again. Defaults to one second.
	Pause time.Duration
}

// Ingress is the domain.
type Ingress struct {
	cfg     Config
	schemas map[string]*jsonschema.Schema
	clock   clock

	mu     sync.Mutex
	faults map[authority.ID]error // why this replica cannot read a topic that it holds the lease of
}

// New returns the domain.
func New(cfg Config) (*Ingress, error) {
	if cfg.Interval == 0 {
		cfg.Interval = time.Second
	}
	if cfg.Pause == 0 {
		cfg.Pause = time.Second
	}
	schemas, err := compile()
	if err != nil {
		return nil, err
	}
	return &Ingress{cfg: cfg, schemas: schemas, faults: map[authority.ID]error{}}, nil
}

// Ready fails while this replica should read a topic and cannot, or must not because the log's clock is off.
func (in *Ingress) Ready(context.Context) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	for a, err := range in.faults {
		return contracts.Errorf(contracts.Unavailable, "read topic", "%s: %w", answer.Topic(a), err)
	}
	return nil
}

func (in *Ingress) fault(a authority.ID, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err == nil {
		delete(in.faults, a)
		return
	}
	in.faults[a] = err
}
