package vault

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// NewCase is what a case brings with it when it is opened.
type NewCase struct {
	Operator authority.OperatorID
	Tenant   authority.TenantID
	Case     string
	// Contents are the objects of the case; operator, tenant and case of each are the case's.
	Contents []content.Object
	// Facts are the sensitive facts; nil when the service declares none.
	Facts fact.Values
	// People take part in the case.
	People []service.Subject
}

// LogValue shows the case's id alone.
func (c NewCase) LogValue() slog.Value { return slog.GroupValue(slog.String("case_id", c.Case)) }

// SealedCase is a new case whose keys are durable and whose content is sealed. Nothing of it stands in the ledger database
// before WriteContents and WritePeople.
type SealedCase struct {
	id      string
	key     []byte
	objects []sealedObject
	people  []subject
}

// LogValue shows the case's id alone.
func (c SealedCase) LogValue() slog.Value { return slog.GroupValue(slog.String("case_id", c.id)) }

// SealCase makes the keys of a case and of its people, durable in one transaction of the key store, and seals what it
// brings. A repeat seals under the same key; a case of another tenant, and one that was erased, is a Conflict; content
// above the limit is TooLarge.
func (v *Vault) SealCase(ctx context.Context, c NewCase) (SealedCase, error) {
	out := SealedCase{id: c.Case}
	ids := []string{caseKeyID(c.Case)}
	for _, p := range c.People {
		s := subject{id: uuid.NewString(), operator: c.Operator, tenant: c.Tenant, role: p.Role}
		out.people = append(out.people, s)
		ids = append(ids, subjectKeyID(s.id))
	}
	keys, err := v.keys.create(ctx, c.Tenant, ids...)
	if err != nil {
		return SealedCase{}, err
	}
	out.key = keys[ids[0]]
	objects, err := c.objects()
	if err != nil {
		return SealedCase{}, err
	}
	for _, o := range objects {
		sealed, err := v.sealObject(out.key, o)
		if err != nil {
			return SealedCase{}, err
		}
		out.objects = append(out.objects, sealed)
	}
	for i, p := range c.People {
		if out.people[i].sealed, err = out.people[i].seal(keys[subjectKeyID(out.people[i].id)], p.Attributes); err != nil {
			return SealedCase{}, err
		}
	}
	return out, nil
}

// objects are the contents and, as one more object, the facts.
func (c NewCase) objects() ([]content.Object, error) {
	var out []content.Object
	for _, o := range c.Contents {
		o.Operator, o.Tenant, o.Case = c.Operator, c.Tenant, c.Case
		out = append(out, o)
	}
	if c.Facts == nil {
		return out, nil
	}
	body, err := json.Marshal(c.Facts)
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, "encode facts", "%w", err)
	}
	return append(out, content.Object{
		Ref:      content.Ref{Content: factsID(c.Case), Kind: content.Facts},
		Operator: c.Operator, Tenant: c.Tenant, Case: c.Case, MediaType: "application/json", Body: body,
	}), nil
}

// Refs are the references of the contents, in their order.
func (c SealedCase) Refs() []content.Ref {
	var out []content.Ref
	for _, o := range c.objects {
		if o.Kind != content.Facts {
			out = append(out, o.reference())
		}
	}
	return out
}

// Subjects are the ids of the people, in their order.
func (c SealedCase) Subjects() []string {
	out := make([]string, len(c.people))
	for i, s := range c.people {
		out[i] = s.id
	}
	return out
}

// MAC authenticates data as Vault.MAC does for this case.
func (c SealedCase) MAC(data []byte) ([]byte, error) { return mac(c.key, data) }

// WriteContents writes the contents into the transaction that opens the case, before the event that commits them. One that
// stands there already is a Conflict.
func (c SealedCase) WriteContents(ctx context.Context, tx *sqlstore.Tx) error {
	for _, o := range c.objects {
		inserted, err := o.insert(ctx, tx)
		if err != nil {
			return err
		}
		if !inserted {
			return contracts.Errorf(contracts.Conflict, "store content", "content %s exists", o.Content)
		}
	}
	return nil
}

// WritePeople writes the people and links them to their case, which the transaction has opened before.
func (c SealedCase) WritePeople(ctx context.Context, tx *sqlstore.Tx) error {
	for _, s := range c.people {
		if err := s.insert(ctx, tx, c.id); err != nil {
			return err
		}
	}
	return nil
}
