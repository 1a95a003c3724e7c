package vault

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/fact"
)

// factsID is the id of the object that holds the sensitive facts of a case: derived, so that a repeat finds it.
func factsID(caseID string) content.ID {
	return content.ID(uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:efa:facts:"+caseID)).String())
}

// StoreFacts seals the sensitive facts of a case as an object of kind facts, pending until the event that submits the
// case is recorded. A repeat changes nothing; other facts for the same case are a Conflict.
func (v *Vault) StoreFacts(ctx context.Context, operator authority.OperatorID, tenant authority.TenantID, caseID string, values fact.Values) error {
	body, err := json.Marshal(values) // keys sorted: equal facts are equal bytes
	if err != nil {
		return contracts.Errorf(contracts.Internal, "store facts", "%w", err)
	}
	_, _, err = v.Store(ctx, content.Object{
		Ref:      content.Ref{Content: factsID(caseID), Kind: content.Facts},
		Operator: operator, Tenant: tenant, Case: caseID, MediaType: "application/json", Body: body,
	})
	return err
}

// Facts opens the sensitive facts of a case; none when the case has none. They are for decisions only.
func (v *Vault) Facts(ctx context.Context, caseID string) (fact.Values, error) {
	row, err := v.read(ctx, factsID(caseID))
	if err != nil {
		if contracts.KindOf(err) == contracts.NotFound {
			return fact.Values{}, nil
		}
		return nil, err
	}
	o, err := v.open(ctx, row)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(o.Body))
	d.UseNumber()
	values := fact.Values{}
	if err := d.Decode(&values); err != nil {
		return nil, contracts.Errorf(contracts.Internal, "open facts", "facts of case %s are malformed", caseID)
	}
	for name, value := range values {
		if n, ok := value.(json.Number); ok {
			whole, err := n.Int64()
			if err != nil {
				return nil, contracts.Errorf(contracts.Internal, "open facts", "fact %s is no whole number", name)
			}
			values[name] = whole
		}
	}
	return values, nil
}
