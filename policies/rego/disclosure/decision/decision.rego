# METADATA
# title: A field leaves when every requirement of the stage is proven for it; what stays unproven is the reason
# custom:
#   norms: [GDPR Art. 5, GDPR Art. 6]
package efa.disclosure

import rego.v2

# METADATA
# title: The decision; each requested field is either released or withheld
# entrypoint: true
# custom:
#   norms: [GDPR Art. 5, GDPR Art. 6]
decision := {
	"release": leaving,
	"withhold": {name: codes |
		some name in (requested - released)
		codes := {code | some code, names in unproven; name in names}
	},
	"norms": {applied.norm | applied := row},
	"retain": {applied.retain | applied := row},
}

# What must be proven, by code. An abstract decision (may this office learn that there is something for it?) needs what
# bears on the transfer as a whole; a concrete one (may this field go there now?) needs everything.
requirements := {
	"basis.lawful": {
		"norm": "GDPR Art. 6(1)",
		"stages": {"abstract", "concrete"},
		"title": {
			"de": "Ein Gesetz nennt den Empfänger für diese Leistung, und seine Voraussetzungen liegen vor",
			"en": "A law names the recipient for this service, and its conditions hold",
		},
	},
	"recipient.kind": {
		"norm": "GDPR Art. 6(3)",
		"stages": {"abstract", "concrete"},
		"title": {
			"de": "Der Empfänger ist eine Stelle der Art, die das Gesetz nennt",
			"en": "The recipient is an office of the kind that the law names",
		},
	},
	"purpose.bound": {
		"norm": "GDPR Art. 5(1)(b)",
		"stages": {"abstract", "concrete"},
		"title": {
			"de": "Das Gesetz sieht die Übermittlung zu diesem Zweck vor",
			"en": "The law provides for the transfer for this purpose",
		},
	},
	"field.listed": {
		"norm": "GDPR Art. 5(1)(c)",
		"stages": {"concrete"},
		"title": {
			"de": "Das Feld steht in der Liste des Empfängers",
			"en": "The field is on the recipient's list",
		},
	},
}

requested := {name | some name in input.fields}

required := {code | some code, requirement in requirements; input.stage in requirement.stages}

# Each rule folder adds proof[code]: the requested fields for which the requirement is proven. Bound once, because
# every mention would build it again.
proven := proof

unproven[code] := requested - object.get(proven, code, set()) if some code in required

# The intersection of nothing is nothing: an empty catalogue releases no field.
released := intersection({object.get(proven, code, set()) | some code in required})

# How a released field leaves. An abstract decision hands over nothing, so it names no data group.
leaving[name] := row.fields[name] if {
	input.stage == "concrete"
	some name in released
}

leaving[name] := {"effect": "announce", "group": ""} if {
	input.stage == "abstract"
	some name in released
}
