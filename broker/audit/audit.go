package audit

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// Line is one refused request.
type Line = httpserver.AuditLine

// Config is what the log needs.
type Config struct {
	// DB is the ledger database. Required.
	DB *sqlstore.DB
	// Operator hosts this broker; it stands on every line. Required.
	Operator authority.OperatorID
	// Timeout is how long a refusal waits to be recorded. Defaults to 2 s.
	Timeout time.Duration
	// MaxWaiting is how many lines may wait for the next transaction. Defaults to 1,000.
	MaxWaiting int
}

// Errors of writing.
var (
	errConfig = errors.New("want database and operator")
	errFull   = errors.New("too many lines are waiting")
)

// Log writes audit lines.
type Log struct {
	cfg Config

	mu      sync.Mutex
	next    *batch // lines waiting for the transaction under way to end
	writing bool
}

// batch is the lines of one transaction. Whoever added the first of them writes all.
type batch struct {
	lines []entry
	turn  chan struct{} // closed when the batch may be written
	done  chan struct{} // closed when it has been; err is valid then
	err   error
}

type entry struct {
	Line
	id string
}

// New returns a log. It returns Invalid for an incomplete config.
func New(cfg Config) (*Log, error) {
	if cfg.DB == nil || cfg.Operator == "" {
		return nil, contracts.Errorf(contracts.Invalid, "configure audit log", "%w", errConfig)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 2 * time.Second
	}
	if cfg.MaxWaiting == 0 {
		cfg.MaxWaiting = 1000
	}
	return &Log{cfg: cfg}, nil
}

// Refused records one refusal and returns once it is durable; it outlives a caller who goes away. It returns Unavailable
// when the line could not be written in time; it may still be written later then.
func (l *Log) Refused(ctx context.Context, line Line) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.cfg.Timeout)
	defer cancel()
	b, first, err := l.join(line)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, "write audit line", "%w", err)
	}
	if first {
		go l.lead(context.WithoutCancel(ctx), b)
	}
	select {
	case <-b.done:
		err = b.err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, "write audit line", "%w", err)
	}
	return nil
}

// join adds the line to the batch that is written next.
func (l *Log) join(line Line) (b *batch, first bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		l.next = &batch{turn: make(chan struct{}), done: make(chan struct{})}
		first = true
		if !l.writing {
			l.writing = true
			close(l.next.turn)
		}
	}
	if len(l.next.lines) >= l.cfg.MaxWaiting {
		return nil, false, errFull
	}
	l.next.lines = append(l.next.lines, entry{line, uuid.NewString()})
	return l.next, first, nil
}

// lead waits for the batch's turn, writes it and gives the turn to the batch that has gathered meanwhile.
func (l *Log) lead(ctx context.Context, b *batch) {
	<-b.turn
	l.mu.Lock()
	l.next = nil
	l.mu.Unlock()
	write, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	b.err = l.write(write, b.lines)
	close(b.done)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writing = l.next != nil
	if l.writing {
		close(l.next.turn)
	}
}

func (l *Log) write(ctx context.Context, lines []entry) error {
	return l.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		for _, e := range lines {
			if err := l.insert(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// With records one refusal in the caller's transaction, for whoever refuses something that nobody waits for.
func (l *Log) With(ctx context.Context, tx *sqlstore.Tx, line Line) error {
	return l.insert(ctx, tx, entry{line, uuid.NewString()})
}

func (l *Log) insert(ctx context.Context, tx *sqlstore.Tx, e entry) error {
	_, err := tx.Exec(ctx, `insert into audit_lines (id, operator, at, principal, operation, kind, error_id) values ($1, $2, $3, $4, $5, $6, $7)`,
		e.id, string(l.cfg.Operator), tx.Now(), e.Principal, e.Operation, e.Kind, e.ErrorID)
	return err
}
