package assembly

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/efa-broker/efa-broker/broker/internal/backlog"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
)

// gauges are what an operator watches, each a number that the ledger knows. No label holds an id.
var gauges = []struct{ name, help, query string }{ //nolint:gochecknoglobals // a table
	{"efa_outbox_unpublished", "Events that the relay has not published yet.", `select count(*) from outbox where published_at is null`},
	{"efa_starter_behind", "Open cases with events that were not handed to the process engine yet.", `select count(*) from cases c
		left join consumer_positions p on p.case_id = c.id and p.consumer = 'efa.starter' where coalesce(p.case_seq, 0) < c.case_seq and c.state <> 'closed'`},
	{"efa_delivery_behind", "Cases with events that delivery has not handled yet.", `select count(*) from cases c
		left join consumer_positions p on p.case_id = c.id and p.consumer = 'efa.delivery' where coalesce(p.case_seq, 0) < c.case_seq`},
	{"efa_cases_open", "Cases that have not ended.", `select count(*) from cases where state <> 'closed'`},
	{"efa_cases_attention", "Open cases that wait for a person.", `select count(*) from cases where attention <> ''`},
	{"efa_tasks_assigned", "Tasks whose holder has the ball.", `select count(*) from tasks where state = 'assigned'`},
	{"efa_deliveries_rejected", "Deliveries that an authority could not read.", `select count(*) from deliveries where state = 'rejected'`},
	{"efa_contents_pending", "Sealed contents that no event refers to yet.", `select count(*) from contents where state = 'pending'`},
	{"efa_ingress_refused", "Records of the topics of authorities that were refused.", `select count(*) from dead_letters where topic like 'efa.outbox.%'`},
	{"efa_schema_version", "Newest migration of the ledger's tables; a program that knows less may run only while the migrations say so.", `select max(version_id) from goose_db_version`},
	{"efa_dead_letters", "Records that were put aside and not sent again.", `select count(*) from dead_letters where state <> 'resent'`},
}

// metrics are the broker's own beside those of the HTTP server.
type metrics struct {
	db       *sqlstore.DB
	registry *prometheus.Registry
	jumps    *prometheus.CounterVec
	clockOff prometheus.Counter
}

func newMetrics(db *sqlstore.DB) *metrics {
	m := &metrics{db: db, registry: prometheus.NewRegistry(), jumps: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "efa_case_seq_jumps_total",
		Help: "Records of efa.cases that jumped over events of their case, which the consumer then read from the ledger.",
	}, []string{"consumer"}), clockOff: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "efa_log_clock_off_total",
		Help: "Looks at the clock of the event log that found it more than a second off, so that no answers of authorities are read.",
	})}
	m.registry.MustRegister(m, m.jumps, m.clockOff, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// jumped returns what counts a jump of one consumer.
func (m *metrics) jumped(consumer string) func() { return m.jumps.WithLabelValues(consumer).Inc }

// watch shows the latest measurement of the backlog.
func (m *metrics) watch(b *backlog.Backlog) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "efa_backlog_events", Help: "Events that wait for the event log or the process engine; beyond backlog_max no new case is accepted.",
	}, func() float64 { return float64(b.Size()) }))
}

// Describe sends nothing: what Collect sends follows from the table.
func (m *metrics) Describe(chan<- *prometheus.Desc) {}

// queryTimeout bounds the queries of one scrape.
const queryTimeout = 5 * time.Second

// Collect reads every gauge; one that cannot be read is left out, which an alarm on absence notices.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout) // a collector gets no context
	defer cancel()
	for _, g := range gauges {
		var n float64
		if err := m.db.Read().QueryRowContext(ctx, g.query).Scan(&n); err != nil {
			continue
		}
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(g.name, g.help, nil, nil), prometheus.GaugeValue, n)
	}
}

// stuckAfter is the age at which an event that the relay has not published is named by /readyz as a backlog.
const stuckAfter = time.Minute

// backlog fails while the oldest unpublished event is older than a minute: cases are accepted and do not move.
func (m *metrics) backlog(ctx context.Context) error {
	var stuck int
	err := m.db.Read().QueryRowContext(ctx, `select count(*) from (select 1 from outbox o join events e on e.case_id = o.case_id and e.case_seq = o.case_seq
		where o.published_at is null and e.at < $1 limit 1) as oldest`, m.db.Now().Add(-stuckAfter)).Scan(&stuck)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, "read backlog", "%w", err)
	}
	if stuck > 0 {
		return contracts.Errorf(contracts.Unavailable, "relay events", "the oldest unpublished event is older than %s", stuckAfter)
	}
	return nil
}
