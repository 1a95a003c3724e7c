package rows

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Ledger is everything that the database holds, as far as a rule needs it.
type Ledger struct {
	Cases         map[string]Case
	Events        map[string][]Event // by case, in the order of case_seq
	Receipts      map[string][]Receipt
	Keys          map[string][]byte // public keys of receipts
	Outbox        map[Seq]bool      // true = published
	Positions     map[string]map[string]int64
	Deliveries    []Delivery
	Counters      map[string]Counter
	Decisions     map[string]Decision
	Participation map[string]bool // case|authority|role
	Claimed       map[string]bool // cases that a submission id names
	Letters       []Letter
	Tasks         map[string]string // case of each task
	Dated         map[string]bool   // tasks with a due instant
	Erased        map[string]time.Time
	// Taken are the answers that came over topics of authorities, Refused the records of such topics that were refused, and
	// ReadTo the last record of each partition, named with offset 0, that was dealt with.
	Taken   []Taken
	Refused map[Place]bool
	ReadTo  map[Place]int64
}

// Place is a record in the event log.
type Place struct {
	Topic     string
	Partition int
	Offset    int64
}

// Taken is a row of ingress_events.
type Taken struct {
	Source, ID, Case string
	Place
}

// Seq is a place in a case.
type Seq struct {
	Case string
	N    int64
}

// Case is a row of cases.
type Case struct {
	ID, Tenant, Submitter, State, Head string
	Seq, EngineSeq                     int64
}

// Event is a row of events.
type Event struct {
	Case                                                                 string
	Seq, EngineSeq                                                       int64
	ID, Source, Type, Operator, Tenant, Actor, Data, Digest, TraceParent string
	At                                                                   time.Time
	// About are the members of Data that rules look at.
	About About
}

// About is what the data of events say, of all types together.
type About struct {
	Task       string `json:"task_id"`
	Outcome    string `json:"outcome"`
	Step       string `json:"step"`
	Role       string `json:"role"`
	Authority  string `json:"authority"`
	Purpose    string `json:"purpose"`
	Decision   string `json:"decision_id"`
	Disclosure string `json:"disclosure_id"`
	Delivery   string `json:"delivery_id"`
	Content    string `json:"content_id"`
	Record     string `json:"record"`
	Linked     string `json:"linked_case"`
	Relation   string `json:"relation"`
}

// Delivery is a row of deliveries.
type Delivery struct {
	ID, Authority, Case, Event, Role, Task, Purpose, State string
	Epoch, InboxSeq, Seq, Sequence                         int64
}

// Counter is how far an inbox has come.
type Counter struct{ Epoch, Seq int64 }

// Decision is a row of decisions.
type Decision struct {
	ID, Case, Disclosure, Content, Stage, Outcome, Recipient, Role, Step, Purpose, Digest string
	Released                                                                              []string
	Sealed                                                                                []byte
	At                                                                                    time.Time
}

// Letter is a row of dead_letters.
type Letter struct {
	ID, State, Reason, Consumer, Case, Event string
	Seq                                      int64
}

// DB is an open ledger database.
type DB struct {
	db *sql.DB
	// tables lists the names of all tables.
	tables string
	// snapshot makes all that a transaction reads stand at one instant.
	snapshot sql.IsolationLevel
}

// Open opens the database for reading: a SQLite file, or a PostgreSQL database by its URL (postgres://… or postgresql://…).
func Open(where string) (*DB, error) {
	if strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://") {
		return openPostgres(where)
	}
	return openSQLite(where)
}

func openSQLite(where string) (*DB, error) {
	if _, err := os.Stat(where); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	dsn := url.URL{
		Scheme: "file", Opaque: (&url.URL{Path: where}).EscapedPath(),
		RawQuery: url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(20000)", "query_only(1)"}}.Encode(),
	}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", where, err)
	}
	return &DB{db, `select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name`, sql.LevelDefault}, nil
}

// Close closes the database.
func (d *DB) Close() error { return d.db.Close() }

// Read reads the whole ledger as it stands at one instant.
func (d *DB) Read(ctx context.Context) (l *Ledger, err error) {
	tx, err := d.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: d.snapshot})
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	l = &Ledger{
		Cases: map[string]Case{}, Events: map[string][]Event{}, Receipts: map[string][]Receipt{}, Keys: map[string][]byte{},
		Outbox: map[Seq]bool{}, Positions: map[string]map[string]int64{}, Counters: map[string]Counter{}, Decisions: map[string]Decision{},
		Participation: map[string]bool{}, Claimed: map[string]bool{}, Tasks: map[string]string{}, Dated: map[string]bool{}, Erased: map[string]time.Time{},
		Refused: map[Place]bool{}, ReadTo: map[Place]int64{},
	}
	for _, t := range l.tables() {
		if err := each(ctx, tx, t.query, t.row); err != nil {
			return nil, fmt.Errorf("read ledger: %s: %w", t.query, err)
		}
	}
	return l, nil
}

// table is a statement, and what one row of it adds.
type table struct {
	query string
	row   func(scan) error
}

type scan func(dest ...any) error

func each(ctx context.Context, tx *sql.Tx, query string, row func(scan) error) (err error) {
	found, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		if err := row(found.Scan); err != nil {
			return err
		}
	}
	return found.Err()
}

func (l *Ledger) tables() []table {
	return slices.Concat(l.record(), l.surroundings(), l.outboxes())
}

// record are the tables of which each row is evidence.
func (l *Ledger) record() []table {
	return []table{
		{`select id, tenant, submitter, state, receipt_head, case_seq, engine_seq from cases`, func(s scan) error {
			var c Case
			err := s(&c.ID, &c.Tenant, &c.Submitter, &c.State, &c.Head, &c.Seq, &c.EngineSeq)
			l.Cases[c.ID] = c
			return err
		}},
		{`select case_id, case_seq, engine_seq, id, source, type, operator, tenant, actor, at, data, digest, traceparent from events
			order by case_id, case_seq`, func(s scan) error {
			var e Event
			if err := s(&e.Case, &e.Seq, &e.EngineSeq, &e.ID, &e.Source, &e.Type, &e.Operator, &e.Tenant, &e.Actor, &e.At, &e.Data, &e.Digest, &e.TraceParent); err != nil {
				return err
			}
			l.Events[e.Case] = append(l.Events[e.Case], e)
			i := len(l.Events[e.Case]) - 1
			return json.Unmarshal([]byte(e.Data), &l.Events[e.Case][i].About)
		}},
		{`select case_id, seq, event_id, digest, previous, at, hash, key_id, signature from receipts order by case_id, seq`, func(s scan) error {
			var r Receipt
			err := s(&r.Case, &r.Seq, &r.Event, &r.Digest, &r.Previous, &r.At, &r.Hash, &r.Key, &r.Signature)
			l.Receipts[r.Case] = append(l.Receipts[r.Case], r)
			return err
		}},
		{`select id, public from receipt_keys`, func(s scan) error {
			var id string
			var public []byte
			err := s(&id, &public)
			l.Keys[id] = public
			return err
		}},
		{`select id, case_id, disclosure_id, content_id, stage, outcome, recipient, role, step, purpose, digest, released, sealed_record, decided_at
			from decisions`, func(s scan) error {
			var d Decision
			var released string
			if err := s(&d.ID, &d.Case, &d.Disclosure, &d.Content, &d.Stage, &d.Outcome, &d.Recipient, &d.Role, &d.Step, &d.Purpose, &d.Digest, &released, &d.Sealed, &d.At); err != nil {
				return err
			}
			err := json.Unmarshal([]byte(released), &d.Released)
			l.Decisions[d.ID] = d
			return err
		}},
		{`select case_id, erased_at from erased_cases`, func(s scan) error {
			var id string
			var at time.Time
			err := s(&id, &at)
			l.Erased[id] = at
			return err
		}},
	}
}

// outboxes are the tables that say what became of records of authorities.
func (l *Ledger) outboxes() []table {
	return []table{
		{`select source, id, case_id, topic, log_part, log_offset from ingress_events order by topic, log_part, log_offset`, func(s scan) error {
			var t Taken
			err := s(&t.Source, &t.ID, &t.Case, &t.Topic, &t.Partition, &t.Offset)
			l.Taken = append(l.Taken, t)
			return err
		}},
		{`select topic, log_part, log_offset from dead_letters where state = 'refused'`, func(s scan) error {
			var at Place
			err := s(&at.Topic, &at.Partition, &at.Offset)
			l.Refused[at] = true
			return err
		}},
		{`select topic, log_part, log_offset from ingress_positions`, func(s scan) error {
			var at Place
			var last int64
			err := s(&at.Topic, &at.Partition, &last)
			l.ReadTo[at] = last
			return err
		}},
	}
}

// surroundings are the tables that say how far the effects of events have come.
func (l *Ledger) surroundings() []table {
	return []table{
		{`select case_id, case_seq, published_at is not null from outbox`, func(s scan) error {
			var at Seq
			var published bool
			err := s(&at.Case, &at.N, &published)
			l.Outbox[at] = published
			return err
		}},
		{`select consumer, case_id, case_seq from consumer_positions`, func(s scan) error {
			var consumer string
			var at Seq
			err := s(&consumer, &at.Case, &at.N)
			if l.Positions[consumer] == nil {
				l.Positions[consumer] = map[string]int64{}
			}
			l.Positions[consumer][at.Case] = at.N
			return err
		}},
		{`select id, authority, case_id, event_id, role, task_id, purpose, state, inbox_epoch, inbox_seq, case_seq, sequence from deliveries
			order by authority, inbox_epoch, inbox_seq`, func(s scan) error {
			var d Delivery
			err := s(&d.ID, &d.Authority, &d.Case, &d.Event, &d.Role, &d.Task, &d.Purpose, &d.State, &d.Epoch, &d.InboxSeq, &d.Seq, &d.Sequence)
			l.Deliveries = append(l.Deliveries, d)
			return err
		}},
		{`select authority, epoch, seq from inbox_counters`, func(s scan) error {
			var a string
			var c Counter
			err := s(&a, &c.Epoch, &c.Seq)
			l.Counters[a] = c
			return err
		}},
		{`select case_id, authority, role from case_participation`, func(s scan) error {
			var parts [3]string
			err := s(&parts[0], &parts[1], &parts[2])
			l.Participation[strings.Join(parts[:], "|")] = true
			return err
		}},
		{`select case_id from submissions`, func(s scan) error {
			var id string
			err := s(&id)
			l.Claimed[id] = true
			return err
		}},
		{`select id, state, reason, consumer, case_id, event_id, case_seq from dead_letters`, func(s scan) error {
			var d Letter
			err := s(&d.ID, &d.State, &d.Reason, &d.Consumer, &d.Case, &d.Event, &d.Seq)
			l.Letters = append(l.Letters, d)
			return err
		}},
		{`select id, case_id, due is not null from tasks`, func(s scan) error {
			var id, of string
			var dated bool
			err := s(&id, &of, &dated)
			l.Tasks[id], l.Dated[id] = of, dated
			return err
		}},
	}
}
