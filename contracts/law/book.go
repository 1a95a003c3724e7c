package law

import (
	"errors"
	"slices"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/key"
)

// Book is the law that this version of the product carries. It does not change after Load; what it returns is the
// caller's own copy.
type Book struct {
	fields     []FormField
	recipients []Recipient
	rows       []Row
	deadlines  []DeadlineRecord
	retain     string
}

// Load reads the embedded records and checks them against each other. An error is Internal: the product was built
// with law that contradicts itself.
func Load() (Book, error) {
	b, err := source{embedded}.load()
	if err != nil {
		return Book{}, contracts.Errorf(contracts.Internal, "load law", "%w", err)
	}
	return b, nil
}

func (s source) load() (b Book, err error) {
	if b.fields, err = s.readForms(); err != nil {
		return Book{}, err
	}
	if b.recipients, err = s.readRecipients(); err != nil {
		return Book{}, err
	}
	m, err := s.readMatrix()
	if err != nil {
		return Book{}, err
	}
	b.retain = m.Retain
	if b.rows, err = s.buildRows(m, b.fields, b.recipients); err != nil {
		return Book{}, err
	}
	if b.deadlines, err = s.readDeadlines(); err != nil {
		return Book{}, err
	}
	return b, nil
}

// With is the book with further deadline records and rows, checked against each other like its own. Invalid tells what
// contradicts.
func (b Book) With(deadlines []DeadlineRecord, rows []Row) (Book, error) {
	b.deadlines = append(slices.Clone(b.deadlines), deadlines...)
	b.rows = append(b.AllRows(), rows...)
	slices.SortFunc(b.rows, Row.compare)
	if err := errors.Join(checkDeadlines(b.deadlines), disjoint(b.rows)); err != nil {
		return Book{}, contracts.Errorf(contracts.Invalid, "add law", "%w", err)
	}
	return b, nil
}

// Rows lists the rows of a service and role that are in force at the instant at. Whether their conditions hold is the
// policy's question.
func (b Book) Rows(service key.ServiceKey, role authority.Role, at time.Time) []Row {
	var out []Row
	for _, r := range b.rows {
		if r.Service == service && r.Role == role && inForce(r.Begins, r.Ends, at) {
			out = append(out, r.clone())
		}
	}
	return out
}

// AllRows lists every row, past and future ones too, sorted by service, role, basis and begin.
func (b Book) AllRows() []Row {
	out := make([]Row, len(b.rows))
	for i, r := range b.rows {
		out[i] = r.clone()
	}
	return out
}

// Deadline is the record with this id that is in force at the instant at: the receipt, because procedure follows the
// law of that day (DESIGN law 7). It returns NotFound when there is none.
func (b Book) Deadline(id string, at time.Time) (DeadlineRecord, error) {
	for _, d := range b.deadlines {
		if d.ID == id && inForce(d.Begins, d.Ends, at) {
			return d, nil
		}
	}
	return DeadlineRecord{}, contracts.Errorf(contracts.NotFound, "find deadline", "no record %q is in force", id)
}

// Deadlines lists every deadline record in the order of its file.
func (b Book) Deadlines() []DeadlineRecord { return slices.Clone(b.deadlines) }

// FormFields lists the fields of a form ("gewa1") in the order of the form; an unknown form has none.
func (b Book) FormFields(form string) []FormField { return ofForm(b.fields, form) }

// Recipients lists the recipients that the law names, in the order of GewO § 14(8), then the trade offices.
func (b Book) Recipients() []Recipient { return slices.Clone(b.recipients) }

// Recipient is the recipient of a role; the flag is false when the law names none.
func (b Book) Recipient(role authority.Role) (Recipient, bool) {
	at := slices.IndexFunc(b.recipients, func(r Recipient) bool { return r.Role == role })
	if at < 0 {
		return Recipient{}, false
	}
	return b.recipients[at], true
}

// Retain is how long the record of a decision is kept on which no row bears, a refusal (ISO 8601 period).
func (b Book) Retain() string { return b.retain }
