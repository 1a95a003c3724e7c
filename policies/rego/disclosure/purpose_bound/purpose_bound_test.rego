package efa.disclosure_test

import data.efa.disclosure
import rego.v2

test_the_purpose_is_one_that_the_row_names if {
	proven := disclosure.proof["purpose.bound"] with input as request with data.law as law
	proven == {"form.1", "form.2", "form.3"}
}

test_another_purpose_is_not_covered[purpose] if {
	some purpose in ["infor", "inform.more", "statistics", ""]
	asked := object.union(request, {"purpose": purpose})
	proven := [p | p := disclosure.proof["purpose.bound"] with input as asked with data.law as law]
	proven == []
}
