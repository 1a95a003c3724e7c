package backofficetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
)

// Broker is a scripted broker as one authority sees it: the test announces and puts, the port under test acts, the test
// asks what arrived. It is safe for concurrent use, and is a backoffice.Port itself.
type Broker struct {
	authority authority.ID
	patience  time.Duration

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at each announcement and delivery answer
	epoch    int
	items    []*delivery.Item
	contents map[content.ID]Content
	answers  map[string]backoffice.Outcome
	rejected map[string]delivery.Rejection
	stored   map[content.ID]backoffice.Document
	filed    map[string]filed
	faults   []error
	refusal  error
}

// Content is something to fetch.
type Content struct {
	Ref  content.Ref
	Case string
	// Body is the application, a JSON object.
	Body json.RawMessage
	// Properties maps each field id to the property of Body that carries it. Nil hands the whole body over.
	Properties map[string]string
	// Withheld maps fields that must not leave to the reasons.
	Withheld map[string][]string
}

type filed struct {
	backoffice.Submission
	answer backoffice.Submitted
}

// NewBroker returns a broker that hosts one authority.
func NewBroker(id authority.ID) *Broker {
	return &Broker{
		authority: id, patience: 50 * time.Millisecond, changed: make(chan struct{}), epoch: 1,
		contents: map[content.ID]Content{}, answers: map[string]backoffice.Outcome{},
		rejected: map[string]delivery.Rejection{}, stored: map[content.ID]backoffice.Document{}, filed: map[string]filed{},
	}
}

// Announce puts item into the inbox. It fills what the test left out and returns the item as a port must show it.
func (b *Broker) Announce(item delivery.Item) delivery.Item {
	b.mu.Lock()
	defer b.mu.Unlock()
	item.Cursor = fmt.Sprintf("%d.%d", b.epoch, len(b.items)+1)
	item.Authority = b.authority
	item.State = delivery.Announced
	item.AnnouncedAt = time.Date(2026, 11, 25, 9, 30, len(b.items), 0, time.UTC)
	fill(&item.ID, uuid.NewString())
	fill(&item.Case, uuid.NewString())
	fill(&item.Kind, delivery.AnnouncementItem)
	fill(&item.Event, item.Case+"/inform/1/"+strconv.Itoa(len(b.items)+1))
	fill(&item.Purpose, "notice.inform")
	fill(&item.Basis, "eu-gdpr:A6-1-c")
	if item.Contents == nil {
		item.Contents = []content.Ref{}
	}
	b.items = append(b.items, &item)
	b.signal()
	return item
}

// signal wakes whoever waits for a change. The caller holds the lock.
func (b *Broker) signal() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// Await waits until a delivery is in state, or until ctx ends.
func (b *Broker) Await(ctx context.Context, deliveryID string, state delivery.State) error {
	for {
		b.mu.Lock()
		changed, item := b.changed, b.item(deliveryID)
		reached := item != nil && item.State == state
		b.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func fill[T ~string](field *T, value T) {
	if *field == "" {
		*field = value
	}
}

// Put makes a content available to Fetch.
func (b *Broker) Put(c Content) content.Ref {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.contents[c.Ref.Content] = c
	return c.Ref
}

// Fail lets the next calls end with an error of these kinds, one each, before anything happens.
func (b *Broker) Fail(kinds ...contracts.Kind) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range kinds {
		b.faults = append(b.faults, contracts.Errorf(k, "answer", "the test wants it so"))
	}
}

// RefuseSubmission lets the next submission fail with these problems.
func (b *Broker) RefuseSubmission(problems ...contracts.Problem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refusal = &contracts.Error{Kind: contracts.Invalid, Op: "accept submission", Problems: problems}
}

// Restore does what a restore from backup does: cursors of the older epoch read all undone items from the start.
func (b *Broker) Restore() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.epoch++
	for i, item := range b.items {
		item.Cursor = fmt.Sprintf("%d.%d", b.epoch, i+1)
	}
}

// State is the state of a delivery, and the reason when it was rejected.
func (b *Broker) State(deliveryID string) (delivery.State, delivery.Rejection) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if item := b.item(deliveryID); item != nil {
		return item.State, b.rejected[deliveryID]
	}
	return "", ""
}

// Outcome is the answer to a task; false when there is none.
func (b *Broker) Outcome(task string) (backoffice.Outcome, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.answers[task]
	return o, ok
}

// Document is a stored document; false when there is none.
func (b *Broker) Document(id content.ID) (backoffice.Document, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d, ok := b.stored[id]
	return d, ok
}

// Submission is an accepted submission; false when there is none.
func (b *Broker) Submission(id string) (backoffice.Submission, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, ok := b.filed[id]
	return f.Submission, ok
}

// fault takes the next scripted fault. The caller holds the lock.
func (b *Broker) fault() error {
	if len(b.faults) == 0 {
		return nil
	}
	err := b.faults[0]
	b.faults = b.faults[1:]
	return err
}

func (b *Broker) item(deliveryID string) *delivery.Item {
	for _, i := range b.items {
		if i.ID == deliveryID {
			return i
		}
	}
	return nil
}

func (b *Broker) task(id string) *delivery.Item {
	for _, i := range b.items {
		if i.Task == id && id != "" {
			return i
		}
	}
	return nil
}

// behind lists what a cursor has not seen. The caller holds the lock.
func (b *Broker) behind(cursor string) ([]delivery.Item, error) {
	epoch, seq := b.epoch, 0
	if cursor != "" {
		e, s, ok := strings.Cut(cursor, ".")
		var err1, err2 error
		epoch, err1 = strconv.Atoi(e)
		seq, err2 = strconv.Atoi(s)
		if !ok || err1 != nil || err2 != nil || epoch > b.epoch {
			return nil, &contracts.Error{Kind: contracts.Invalid, Op: "read inbox", Problems: []contracts.Problem{
				{Pointer: "after", Detail: "is no cursor of this inbox"},
			}}
		}
	}
	old := epoch < b.epoch
	out := []delivery.Item{}
	for i, item := range b.items {
		done := item.State == delivery.Accepted || item.State == delivery.Rejected
		if (old && !done) || (!old && i+1 > seq) {
			out = append(out, *item)
		}
	}
	return out, nil
}

func same(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	if json.Compact(&x, a) != nil || json.Compact(&y, b) != nil {
		return false
	}
	return bytes.Equal(x.Bytes(), y.Bytes())
}
