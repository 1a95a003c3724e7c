package release

import (
	"context"

	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// Explain tells one decision in a sentence, German and English, from its record alone.
func (r *Release) Explain(ctx context.Context, v actor.Viewer, id string) (Explanation, error) {
	rec, err := r.record(ctx, v, id, decision.DisclosureExplain)
	if err != nil {
		return Explanation{}, err
	}
	recipient, err := r.cfg.Register.Authority(ctx, rec.Recipient)
	if err != nil {
		return Explanation{}, own("look up recipient", err)
	}
	names := decision.Names{Recipient: recipient.Name}
	if role, known := r.cfg.Law.Recipient(rec.Input.Recipient.Role); known {
		names.RoleDE, names.RoleEN = role.NameDE, role.NameEN
	}
	de, en := decision.Explain(rec, names)
	return Explanation{
		DecisionId: id, Outcome: string(rec.Document.Outcome), De: de, En: en, Reasons: reasons(rec.Document),
	}, nil
}
