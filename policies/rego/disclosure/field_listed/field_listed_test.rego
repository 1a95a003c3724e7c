package efa.disclosure_test

import data.efa.disclosure
import rego.v2

test_only_listed_fields_that_were_asked_for_are_proven if {
	asked := object.union(request, {"fields": ["form.2", "form.3", "form"]})
	proven := disclosure.proof["field.listed"] with input as asked with data.law as law
	proven == {"form.2"}
}
