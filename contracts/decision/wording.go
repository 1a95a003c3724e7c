package decision

import (
	"regexp"
	"strings"
)

// Codes that Explain has words for; conditions is the code noLaw where a row exists and only its conditions fail.
const (
	noLaw      = "basis.lawful"
	conditions = "basis.lawful/conditions"
	otherKind  = "recipient.kind"
	otherGoal  = "purpose.bound"
	unlisted   = "field.listed"
)

func german() wording {
	return wording{
		lang: "de",
		told: map[Stage]map[Outcome]string{
			Concrete: {
				Release: "{who} erhielt alle {requested} angefragten Felder ({basis}).",
				Partial: "{who} erhielt {released} von {requested} Feldern ({basis}).",
				Refuse:  "{who} erhielt nichts.",
			},
			Abstract: {
				Release: "{who} durfte erfahren, dass etwas vorliegt ({basis}); übermittelt wurde damit noch nichts.",
				Partial: "{who} durfte für {released} von {requested} Feldern erfahren, dass etwas vorliegt ({basis}); übermittelt wurde damit noch nichts.",
				Refuse:  "{who} wurde nicht benachrichtigt.",
			},
		},
		norm:  germanNorm,
		field: "Feld ", fields: "Felder ", and: " und ", until: "–",
		heldOne: " nicht: ", heldMany: " nicht: ",
		reasons: map[string]reason{
			noLaw: {
				whole:  "für diese Leistung nennt kein geltendes Gesetz diese Stelle in ihrer Rolle als Empfänger",
				change: "müsste ein Gesetz die Stelle als Empfänger nennen oder die Stelle am Vorgang beteiligt sein",
			},
			conditions: {
				whole:  "die Voraussetzungen von {basis} liegen nicht vor",
				change: "müssten die Voraussetzungen von {basis} eintreten",
			},
			otherKind: {
				whole:  "der Empfänger ist keine Stelle der Art, die das Gesetz nennt",
				change: "müsste der Empfänger von der Art sein, die das Gesetz nennt",
			},
			otherGoal: {
				whole:  "das Gesetz sieht die Übermittlung zu diesem Zweck nicht vor",
				change: "müsste die Stelle den Zweck angeben, zu dem das Gesetz ihr die Daten gibt",
			},
			unlisted: {
				one:    "es steht nicht in der Liste des Empfängers",
				many:   "sie stehen nicht in der Liste des Empfängers",
				whole:  "keines der angefragten Felder steht in der Liste des Empfängers",
				change: "müsste die Stelle Felder anfragen, die in ihrer Liste stehen",
			},
		},
		unknown: "es ist nicht nachgewiesen: „%s“ (%s)",
		change:  "Dafür ", both: "; ferner ",
	}
}

func english() wording {
	return wording{
		lang: "en",
		told: map[Stage]map[Outcome]string{
			Concrete: {
				Release: "{who} obtained all {requested} requested fields ({basis}).",
				Partial: "{who} obtained {released} of {requested} fields ({basis}).",
				Refuse:  "{who} obtained nothing.",
			},
			Abstract: {
				Release: "{who} was allowed to learn that there is something for it ({basis}); nothing was handed over by that.",
				Partial: "{who} was allowed to learn for {released} of {requested} fields that there is something for it ({basis}); nothing was handed over by that.",
				Refuse:  "{who} was not told.",
			},
		},
		norm:  func(s string) string { return s },
		field: "Field ", fields: "Fields ", and: " and ", until: "–",
		heldOne: " was withheld: ", heldMany: " were withheld: ",
		reasons: map[string]reason{
			noLaw: {
				whole:  "no law in force names this office in its role as a recipient for this service",
				change: "a law would have to name it as a recipient, or it would have to take part in the case",
			},
			conditions: {
				whole:  "the conditions of {basis} do not hold",
				change: "the conditions of {basis} would have to hold",
			},
			otherKind: {
				whole:  "it is not an office of the kind that the law names",
				change: "the office would have to be of the kind that the law names",
			},
			otherGoal: {
				whole:  "the law does not provide for the transfer for this purpose",
				change: "the office would have to state the purpose for which the law gives it the data",
			},
			unlisted: {
				one:    "it is not on its list",
				many:   "they are not on its list",
				whole:  "none of the requested fields is on its list",
				change: "the office would have to ask for fields that are on its list",
			},
		},
		unknown: "it is not proven: “%s” (%s)",
		change:  "For that, ", both: "; moreover, ",
	}
}

var gdpr = regexp.MustCompile(`GDPR (Art\. [0-9]+(?:\([0-9a-z]+\))*)`)

// germanNorm renders a norm as German readers cite it: "GDPR Art. 5(1)(c)" is "Art. 5(1)(c) DSGVO", "no." is "Nr.".
func germanNorm(s string) string {
	s = gdpr.ReplaceAllString(s, "$1 DSGVO")
	return strings.NewReplacer(" no. ", " Nr. ", " s. ", " S. ").Replace(s)
}
