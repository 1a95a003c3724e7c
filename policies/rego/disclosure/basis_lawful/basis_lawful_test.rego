package efa.disclosure_test

import data.efa.disclosure
import rego.v2

test_the_basis_is_lawful_when_the_conditions_hold if {
	proven := disclosure.proof["basis.lawful"] with input as request with data.law as law
	proven == {"form.1", "form.2", "form.3"}
}

test_the_basis_is_not_lawful_when_a_condition_does_not_hold[name] if {
	some name, facts in {
		"the fact is false": {"not_waived": false},
		"the fact is missing": {"other": true},
		"there are no facts": {},
		"the fact is a word": {"not_waived": "true"},
	}
	asked := json.patch(request, [{"op": "replace", "path": "/facts", "value": facts}])
	proven := [p | p := disclosure.proof["basis.lawful"] with input as asked with data.law as law]
	proven == []
}

test_a_row_that_says_nothing_of_conditions_is_no_basis if {
	silent := json.remove(law, ["rows/service/chamber/basis/2026-01-01T00:00:00Z/conditions"])
	proven := [p | p := disclosure.proof["basis.lawful"] with input as request with data.law as silent]
	proven == []
}
