package efa.disclosure_test

import data.efa.disclosure
import rego.v2

test_the_kind_is_the_one_that_the_law_names if {
	proven := disclosure.proof["recipient.kind"] with input as request with data.law as law
	proven == {"form.1", "form.2", "form.3"}
}

test_another_kind_of_office_is_not_the_recipient if {
	asked := object.union(request, {"recipient": {"kind": "building_authority", "role": "chamber"}})
	proven := [p | p := disclosure.proof["recipient.kind"] with input as asked with data.law as law]
	proven == []
}

test_an_office_without_a_role_is_no_recipient_even_if_a_row_names_none if {
	asked := object.union(request, {"recipient": {"kind": "chamber", "role": "none"}})
	named := {"rows": {"service": {"none": {"basis": {"2026": row}}}}}
	proven := [p | p := disclosure.proof["recipient.kind"] with input as asked with data.law as named]
	proven == []
}
