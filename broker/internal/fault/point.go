package fault

// Point is a place at which a process can be killed.
type Point string

// The crash points in the order of the way of one case; see the package comment.
const (
	IntakeReceived    Point = "intake.received"
	IntakeSealed      Point = "intake.sealed"
	IntakeCommitted   Point = "intake.committed"
	LedgerAppended    Point = "ledger.appended"
	AnswerCommitted   Point = "answer.committed"
	IngressChecked    Point = "ingress.checked"
	IngressCommitted  Point = "ingress.committed"
	RelayRead         Point = "relay.read"
	RelayPublished    Point = "relay.published"
	StarterReceived   Point = "starter.received"
	StarterSignalled  Point = "starter.signalled"
	StepCommitted     Point = "step.committed"
	DeliveryNumbered  Point = "delivery.numbered"
	DeliveryCommitted Point = "delivery.committed"
	ReleaseDecided    Point = "release.decided"
	ReleaseRecorded   Point = "release.recorded"
	DeadletterWritten Point = "deadletter.written"
	ErasureJournalled Point = "erasure.journalled"
	ErasureKeyDeleted Point = "erasure.key_deleted"
	ErasureRewrapped  Point = "erasure.rewrapped"
)

// Mutant is a fault that is built in on purpose, to see whether the ledger checker notices it.
type Mutant string

// The mutants. The checker must turn red for each, by the rule that is named.
const (
	// NoDedupe opens a case for every repeat of a submission: duplicate.
	NoDedupe Mutant = "no_dedupe"
	// PublishBeforeCommit publishes an event inside the ledger transaction: phantom, when that is rolled back.
	PublishBeforeCommit Mutant = "publish_before_commit"
	// SkipAnnouncementDecision tells authorities of a case without the record of a decision: authorised.
	SkipAnnouncementDecision Mutant = "skip_announcement_decision"
	// SkipFetchDecision hands content over without the record of a decision: authorised.
	SkipFetchDecision Mutant = "skip_fetch_decision"
	// ReleaseUnfiltered hands the whole content over, whatever was decided: leak.
	ReleaseUnfiltered Mutant = "release_unfiltered"
	// DropOutboxRow records an event that nobody publishes: lost.
	DropOutboxRow Mutant = "drop_outbox_row"
	// SwapEvents publishes a batch in the wrong order: order.
	SwapEvents Mutant = "swap_events"
	// ContentInEvent puts the application into the facts of its event: leak.
	ContentInEvent Mutant = "content_in_event"
	// WrongTenant puts an item into the inbox of another city's office: authorised.
	WrongTenant Mutant = "wrong_tenant"
)

// Breakdown is a place at which the program can be made to panic at one event.
type Breakdown string

// The breakdowns: consumers of efa.cases.
const (
	// StarterPanics panics in the hand-over of an event to the process.
	StarterPanics Breakdown = "starter.panics"
	// DeliveryPanics panics in the transaction that writes inbox rows.
	DeliveryPanics Breakdown = "delivery.panics"
)
