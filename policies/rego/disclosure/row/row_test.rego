package efa.disclosure_test

import data.efa.disclosure
import rego.v2

test_the_row_is_in_force_from_its_begin_until_before_its_end[name] if {
	some name, now in {
		"at the begin": "2026-01-01T00:00:00Z",
		"before the end": "2026-12-31T23:59:59Z",
	}
	disclosure.row == row with input as object.union(request, {"now": now}) with data.law as law
}

test_the_row_is_not_in_force_outside_its_time[name] if {
	some name, now in {
		"before the begin": "2025-12-31T23:59:59Z",
		"at the end": "2027-01-01T00:00:00Z",
	}
	outside := [r | r := disclosure.row with input as object.union(request, {"now": now}) with data.law as law]
	outside == []
}

test_the_row_is_that_of_service_role_and_basis[name] if {
	some name, other in {
		"service": {"service": "other"},
		"role": {"recipient": {"kind": "chamber", "role": "other"}},
		"basis": {"basis": "other"},
	}
	found := [r | r := disclosure.row with input as object.union(request, other) with data.law as law]
	found == []
}

test_a_newer_row_takes_over_at_its_begin if {
	newer := object.union(row, {"begins": "2027-01-01T00:00:00Z", "ends": "2028-01-01T00:00:00Z", "norm": "Act § 2"})
	both := {"rows": {"service": {"chamber": {"basis": {"old": row, "new": newer}}}}}
	disclosure.row.norm == "Act § 2" with input as object.union(request, {"now": "2027-01-01T00:00:00Z"}) with data.law as both
}
