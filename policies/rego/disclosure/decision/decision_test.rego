package efa.disclosure_test

import data.efa.disclosure
import rego.v2

test_a_concrete_decision_releases_listed_fields_and_says_why_others_stay if {
	disclosure.decision == {
		"release": row.fields,
		"withhold": {"form.3": {"field.listed"}},
		"norms": {"Act § 1"},
		"retain": {"P2Y"},
	} with input as request with data.law as law
}

test_an_abstract_decision_asks_only_for_the_transfer_and_hands_over_nothing if {
	announce := {"effect": "announce", "group": ""}
	disclosure.decision == {
		"release": {"form.1": announce, "form.2": announce, "form.3": announce},
		"withhold": {},
		"norms": {"Act § 1"},
		"retain": {"P2Y"},
	} with input as object.union(request, {"stage": "abstract"}) with data.law as law
}

test_without_a_row_nothing_leaves_and_every_requirement_is_open[stage] if {
	some stage, codes in {
		"abstract": {"basis.lawful", "purpose.bound", "recipient.kind"},
		"concrete": {"basis.lawful", "field.listed", "purpose.bound", "recipient.kind"},
	}
	disclosure.decision == {
		"release": {},
		"withhold": {"form.1": codes, "form.2": codes, "form.3": codes},
		"norms": set(),
		"retain": set(),
	} with input as object.union(request, {"stage": stage}) with data.law as {"rows": {}}
}

test_a_requirement_of_the_transfer_holds_back_every_field if {
	withheld := disclosure.decision.withhold with input as object.union(request, {"purpose": "other"}) with data.law as law
	withheld == {
		"form.1": {"purpose.bound"},
		"form.2": {"purpose.bound"},
		"form.3": {"field.listed", "purpose.bound"},
	}
}

test_a_stage_that_nobody_knows_releases_nothing if {
	decided := disclosure.decision with input as object.union(request, {"stage": "later"}) with data.law as law
	decided.release == {}
}

test_an_empty_catalogue_releases_nothing if {
	disclosure.released == set() with input as request with data.law as law with disclosure.requirements as {}
}

test_the_catalogue_is_known if {
	{code: requirement.stages | some code, requirement in disclosure.requirements} == {
		"basis.lawful": {"abstract", "concrete"},
		"field.listed": {"concrete"},
		"purpose.bound": {"abstract", "concrete"},
		"recipient.kind": {"abstract", "concrete"},
	}
}
