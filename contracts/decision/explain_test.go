package decision_test

import (
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/contracts/decision"
)

var eich = decision.Names{Recipient: "Eichamt Bayern", RoleDE: "Eichbehörde", RoleEN: "weights and measures authority"}

const norm = "GewAnzV § 3(1) no. 5 a; GewO § 14(8) no. 4"

// document is a concrete document that releases some fields and holds others back for codes.
func document(released []string, withheld map[string][]string) decision.Document {
	d := decision.Document{
		Stage: decision.Concrete, Outcome: decision.Partial, LegalBasis: norm,
		Release: map[string]decision.Field{}, Withhold: withheld, Reasons: map[string]decision.Reason{},
	}
	for _, id := range released {
		d.Release[id] = decision.Field{Effect: "allow", Group: "group"}
	}
	norms := map[string]string{
		"basis.lawful": "GDPR Art. 6(1)", "recipient.kind": "GDPR Art. 6(3)", "purpose.bound": "GDPR Art. 5(1)(b)",
		"field.listed": "GDPR Art. 5(1)(c)", "consent.current": "GDPR Art. 7",
	}
	for _, codes := range withheld {
		for _, code := range codes {
			d.Reasons[code] = decision.Reason{Norm: norms[code], Title: map[string]string{"de": "Titel von " + code, "en": "Title of " + code}}
		}
	}
	switch {
	case len(released) == 0:
		d.Outcome = decision.Refuse
	case len(withheld) == 0:
		d.Outcome = decision.Release
	}
	return d
}

func TestADecisionIsToldInASentence(t *testing.T) {
	t.Parallel()
	list := []string{"field.listed"}
	everything := []string{"basis.lawful", "field.listed", "purpose.bound", "recipient.kind"}
	with := func(d decision.Document, change func(*decision.Document)) decision.Document {
		change(&d)
		return d
	}
	abstract := func(d *decision.Document) { d.Stage = decision.Abstract }
	lawless := func(d *decision.Document) { d.LegalBasis = "" }
	for _, c := range []struct {
		name   string
		doc    decision.Document
		names  decision.Names
		de, en string
	}{
		{
			"all fields", document([]string{"gewa1.1", "gewa1.11"}, nil), eich,
			"Eichamt Bayern (Eichbehörde) erhielt alle 2 angefragten Felder (GewAnzV § 3(1) Nr. 5 a; GewO § 14(8) Nr. 4).",
			"Eichamt Bayern (weights and measures authority) obtained all 2 requested fields (GewAnzV § 3(1) no. 5 a; GewO § 14(8) no. 4).",
		},
		{
			"one field held back", document([]string{"gewa1.1", "gewa1.11"}, map[string][]string{"gewa1.13": list}), eich,
			"Eichamt Bayern (Eichbehörde) erhielt 2 von 3 Feldern (GewAnzV § 3(1) Nr. 5 a; GewO § 14(8) Nr. 4). Feld 13 nicht: es steht nicht in der Liste des Empfängers (Art. 5(1)(c) DSGVO).",
			"Eichamt Bayern (weights and measures authority) obtained 2 of 3 fields (GewAnzV § 3(1) no. 5 a; GewO § 14(8) no. 4). Field 13 was withheld: it is not on its list (GDPR Art. 5(1)(c)).",
		},
		{
			"many fields held back", document([]string{"gewa1.1"}, map[string][]string{
				"gewa1.2": list, "gewa1.9": list, "gewa1.8": list, "gewa1.10": list, "gewa1.12": list, "gewa1.13": list, "gewa1.3a": list,
			}), eich,
			"Eichamt Bayern (Eichbehörde) erhielt 1 von 8 Feldern (GewAnzV § 3(1) Nr. 5 a; GewO § 14(8) Nr. 4). Felder 2, 8–10, 12, 13 und 3a nicht: sie stehen nicht in der Liste des Empfängers (Art. 5(1)(c) DSGVO).",
			"Eichamt Bayern (weights and measures authority) obtained 1 of 8 fields (GewAnzV § 3(1) no. 5 a; GewO § 14(8) no. 4). Fields 2, 8–10, 12, 13 and 3a were withheld: they are not on its list (GDPR Art. 5(1)(c)).",
		},
		{
			"an office on no list", with(document(nil, map[string][]string{"gewa1.1": everything}), lawless),
			decision.Names{Recipient: "Bauamt München"},
			"Bauamt München erhielt nichts. Für diese Leistung nennt kein geltendes Gesetz diese Stelle in ihrer Rolle als Empfänger (Art. 6(1) DSGVO). Dafür müsste ein Gesetz die Stelle als Empfänger nennen oder die Stelle am Vorgang beteiligt sein.",
			"Bauamt München obtained nothing. No law in force names this office in its role as a recipient for this service (GDPR Art. 6(1)). For that, a law would have to name it as a recipient, or it would have to take part in the case.",
		},
		{
			"conditions that do not hold", document(nil, map[string][]string{"gewa1.1": {"basis.lawful"}, "gewa1.13": {"basis.lawful", "field.listed"}}), eich,
			"Eichamt Bayern (Eichbehörde) erhielt nichts. Die Voraussetzungen von GewAnzV § 3(1) Nr. 5 a; GewO § 14(8) Nr. 4 liegen nicht vor (Art. 6(1) DSGVO). Dafür müssten die Voraussetzungen von GewAnzV § 3(1) Nr. 5 a; GewO § 14(8) Nr. 4 eintreten.",
			"Eichamt Bayern (weights and measures authority) obtained nothing. The conditions of GewAnzV § 3(1) no. 5 a; GewO § 14(8) no. 4 do not hold (GDPR Art. 6(1)). For that, the conditions of GewAnzV § 3(1) no. 5 a; GewO § 14(8) no. 4 would have to hold.",
		},
		{
			"another purpose and kind", document(nil, map[string][]string{"gewa1.1": {"purpose.bound", "recipient.kind"}}), eich,
			"Eichamt Bayern (Eichbehörde) erhielt nichts. Das Gesetz sieht die Übermittlung zu diesem Zweck nicht vor (Art. 5(1)(b) DSGVO); der Empfänger ist keine Stelle der Art, die das Gesetz nennt (Art. 6(3) DSGVO). Dafür müsste die Stelle den Zweck angeben, zu dem das Gesetz ihr die Daten gibt; ferner müsste der Empfänger von der Art sein, die das Gesetz nennt.",
			"Eichamt Bayern (weights and measures authority) obtained nothing. The law does not provide for the transfer for this purpose (GDPR Art. 5(1)(b)); it is not an office of the kind that the law names (GDPR Art. 6(3)). For that, the office would have to state the purpose for which the law gives it the data; moreover, the office would have to be of the kind that the law names.",
		},
		{
			"only unlisted fields", document(nil, map[string][]string{"gewa1.13": list}), eich,
			"Eichamt Bayern (Eichbehörde) erhielt nichts. Keines der angefragten Felder steht in der Liste des Empfängers (Art. 5(1)(c) DSGVO). Dafür müsste die Stelle Felder anfragen, die in ihrer Liste stehen.",
			"Eichamt Bayern (weights and measures authority) obtained nothing. None of the requested fields is on its list (GDPR Art. 5(1)(c)). For that, the office would have to ask for fields that are on its list.",
		},
		{
			"an announcement", with(document([]string{"gewa1.1"}, nil), abstract), eich,
			"Eichamt Bayern (Eichbehörde) durfte erfahren, dass etwas vorliegt (GewAnzV § 3(1) Nr. 5 a; GewO § 14(8) Nr. 4); übermittelt wurde damit noch nichts.",
			"Eichamt Bayern (weights and measures authority) was allowed to learn that there is something for it (GewAnzV § 3(1) no. 5 a; GewO § 14(8) no. 4); nothing was handed over by that.",
		},
		{
			"an announcement refused", with(document(nil, map[string][]string{"gewa1.1": {"purpose.bound"}}), abstract), eich,
			"Eichamt Bayern (Eichbehörde) wurde nicht benachrichtigt. Das Gesetz sieht die Übermittlung zu diesem Zweck nicht vor (Art. 5(1)(b) DSGVO). Dafür müsste die Stelle den Zweck angeben, zu dem das Gesetz ihr die Daten gibt.",
			"Eichamt Bayern (weights and measures authority) was not told. The law does not provide for the transfer for this purpose (GDPR Art. 5(1)(b)). For that, the office would have to state the purpose for which the law gives it the data.",
		},
		{
			"a code of another version", document(nil, map[string][]string{"gewa1.1": {"consent.current"}}), eich,
			"Eichamt Bayern (Eichbehörde) erhielt nichts. Es ist nicht nachgewiesen: „Titel von consent.current“ (Art. 7 DSGVO).",
			"Eichamt Bayern (weights and measures authority) obtained nothing. It is not proven: “Title of consent.current” (GDPR Art. 7).",
		},
		{
			"a code of another version on one field", document([]string{"gewa1.1"}, map[string][]string{"gewa1.2": {"consent.current"}}), eich,
			"Eichamt Bayern (Eichbehörde) erhielt 1 von 2 Feldern (GewAnzV § 3(1) Nr. 5 a; GewO § 14(8) Nr. 4). Feld 2 nicht: es ist nicht nachgewiesen: „Titel von consent.current“ (Art. 7 DSGVO).",
			"Eichamt Bayern (weights and measures authority) obtained 1 of 2 fields (GewAnzV § 3(1) no. 5 a; GewO § 14(8) no. 4). Field 2 was withheld: it is not proven: “Title of consent.current” (GDPR Art. 7).",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			de, en := decision.Explain(decision.Record{Document: c.doc}, c.names)
			if de != c.de {
				t.Errorf("German\n%s\nwant\n%s", de, c.de)
			}
			if en != c.en {
				t.Errorf("English\n%s\nwant\n%s", en, c.en)
			}
		})
	}
}

func TestEveryStageAndOutcomeHasWords(t *testing.T) {
	t.Parallel()
	for _, stage := range []decision.Stage{decision.Abstract, decision.Concrete} {
		for _, outcome := range []decision.Outcome{decision.Release, decision.Partial, decision.Refuse} {
			d := document([]string{"gewa1.1"}, map[string][]string{"gewa1.2": {"field.listed"}})
			d.Stage, d.Outcome = stage, outcome
			de, en := decision.Explain(decision.Record{Document: d}, eich)
			if !strings.HasPrefix(de, "Eichamt Bayern (Eichbehörde) ") || !strings.HasPrefix(en, "Eichamt Bayern (weights") || strings.ContainsAny(de+en, "{}%") {
				t.Errorf("%s %s: %q, %q", stage, outcome, de, en)
			}
		}
	}
}
