package policies

import (
	"errors"
	"fmt"

	"github.com/efa-broker/efa-broker/contracts/decision"
)

// document turns the rules' answer into the decision document. It refuses an answer that does not decide each
// requested field exactly once, withholds without a known reason, releases by an effect that the stage does not have,
// or releases without a norm and a period for the record: such an answer is a fault, not a decision.
func (p *policy) document(in decision.Input, a answer) (decision.Document, error) {
	doc := decision.Document{
		Schema: decision.SchemaV1, Stage: in.Stage,
		Release: map[string]decision.Field{}, Withhold: map[string][]string{}, Reasons: map[string]decision.Reason{},
		Obligations: []decision.Obligation{}, Retain: p.retain, Revision: p.revision,
	}
	for _, id := range in.Fields {
		field, released := a.release[id]
		codes, withheld := a.withhold[id]
		if released == withheld {
			return decision.Document{}, fmt.Errorf("field %s is not decided exactly once", id)
		}
		if released {
			if err := checkEffect(in.Stage, field); err != nil {
				return decision.Document{}, fmt.Errorf("field %s: %w", id, err)
			}
			doc.Release[id] = decision.Field(field)
			continue
		}
		if err := p.addReasons(&doc, codes); err != nil {
			return decision.Document{}, fmt.Errorf("field %s: %w", id, err)
		}
		doc.Withhold[id] = codes
	}
	if len(a.release)+len(a.withhold) != len(in.Fields) {
		return decision.Document{}, errors.New("a field is decided that was not asked for")
	}
	doc.Outcome = outcome(doc)
	return doc, applyRow(&doc, a)
}

// checkEffect holds the closed list of effects per stage.
func checkEffect(stage decision.Stage, f fieldData) error {
	switch {
	case stage == decision.Concrete && f.Effect == effectAllow && f.Group != "",
		stage == decision.Abstract && f.Effect == effectAnnounce && f.Group == "":
		return nil
	}
	return errors.New("the effect is not known in this stage")
}

// addReasons copies the legend of the codes into the document.
func (p *policy) addReasons(doc *decision.Document, codes []string) error {
	if len(codes) == 0 {
		return errors.New("withheld without a reason")
	}
	for _, code := range codes {
		reason, ok := p.catalogue[code]
		if !ok {
			return fmt.Errorf("reason %q is not in the catalogue", code)
		}
		doc.Reasons[code] = reason
	}
	return nil
}

// applyRow takes norm and period from the row in force, if there is one. Without one nothing may be released.
func applyRow(doc *decision.Document, a answer) error {
	if len(a.norms) == 0 && len(a.retain) == 0 && len(doc.Release) == 0 {
		return nil
	}
	if len(a.norms) != 1 || len(a.retain) != 1 || a.norms[0] == "" || a.retain[0] == "" {
		return errors.New("want exactly one row with norm and period")
	}
	doc.LegalBasis, doc.Retain = a.norms[0], a.retain[0]
	return nil
}

// outcome follows from what is released and withheld; it cannot contradict them.
func outcome(doc decision.Document) decision.Outcome {
	switch {
	case len(doc.Release) == 0:
		return decision.Refuse
	case len(doc.Withhold) == 0:
		return decision.Release
	}
	return decision.Partial
}
