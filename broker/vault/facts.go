package vault

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/fact"
)

// factsID is the id of the object that holds the sensitive facts of a case: derived, so that a repeat finds it.
func factsID(caseID string) content.ID {
	return content.ID(uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:efa:facts:"+caseID)).String())
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
