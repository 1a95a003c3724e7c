package generate

import (
	"reflect"
	"time"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// Forms of text that may stand in an event: ids, codes, digests, keys. None of them can hold a sentence or a name.
const (
	uuidForm    = `^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`
	codeForm    = `^[a-z][a-z0-9_]{0,62}$`
	digestForm  = `^[0-9a-f]{64}$`
	taskForm    = `^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.[a-z][a-z0-9_]{0,62}\.[1-9][0-9]{0,5}$`
	idForm      = `^[a-z][a-z0-9-]{2,62}$`
	serviceForm = `^(99[0-9]{12}|local:[a-z][a-z0-9-]{1,61}[a-z0-9])$`
	purposeForm = `^[a-z]{1,30}(\.[a-z]{1,30}){0,3}$`
	basisForm   = `^[a-z][a-z0-9-]{0,30}:[A-Za-z0-9-]{1,30}$`
	formForm    = `^[a-z][a-z0-9]{0,30}$`
	// normForm is the text of a norm as a law record has it: "GewO § 14(1) s. 3", "BayBO Art. 65".
	normForm = `^[A-Z][A-Za-z]{1,15} (§|§§|Art\.) [0-9][0-9a-z]{0,4}(\([0-9a-z]{1,3}\))?( s\. [0-9]{1,2})?( no\. [0-9a-z]{1,3})?$`
)

// object is a JSON object of a schema.
type object = map[string]any

func text(pattern string) object { return object{"type": "string", "pattern": pattern} }

func codes[T ~string](values ...T) object { return object{"type": "string", "enum": values} }

// named are the schemas of types that check their own values.
func named() map[reflect.Type]object {
	return map[reflect.Type]object{
		reflect.TypeFor[key.ServiceKey]():     text(serviceForm),
		reflect.TypeFor[authority.ID]():       text(idForm),
		reflect.TypeFor[authority.Role]():     text(codeForm),
		reflect.TypeFor[content.ID]():         text(uuidForm),
		reflect.TypeFor[content.Kind]():       codes(content.Application, content.Certificate, content.Attachment),
		reflect.TypeFor[procedure.Kind]():     codes(procedure.Notification),
		reflect.TypeFor[delivery.Rejection](): codes(delivery.Rejections()...),
		reflect.TypeFor[law.SilenceEffect]():  codes(law.DeemedGranted, law.Disregardable, law.None),
		reflect.TypeFor[time.Time]():          {"type": "string", "format": "date-time"},
		reflect.TypeFor[bool]():               {"type": "boolean"},
		reflect.TypeFor[int]():                {"type": "integer", "minimum": 0},
		reflect.TypeFor[int64]():              {"type": "integer", "minimum": 0},
		reflect.TypeFor[fact.Values](): {
			"type": "object", "maxProperties": 64, "propertyNames": object{"pattern": codeForm},
			"additionalProperties": object{"anyOf": []any{
				object{"type": "boolean"}, object{"type": "integer"}, text(codeForm),
			}},
		},
	}
}

// member is the schema of a member of type string, by its JSON name. A name that is not listed is free text.
func member(name string) (object, bool) {
	switch name {
	case "package", "definition", "digest", "record":
		return text(digestForm), true
	case "case_id", "linked_case", "opened_case", "delivery_id", "disclosure_id", "decision_id", "erasure_id":
		return text(uuidForm), true
	case "task_id":
		return text(taskForm), true
	case "step", "outcome", "outcomes", "outcome_facts", "reason":
		return text(codeForm), true
	case "relation":
		return codes("opened", "opened_by"), true
	case "purpose":
		return text(purposeForm), true
	case "basis":
		return text(basisForm), true
	case "law":
		return text(idForm), true
	case "legal_basis":
		return text(normForm), true
	case "form":
		return text(formForm), true
	}
	return nil, false
}
