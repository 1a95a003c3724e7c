package efa.access_test

import data.efa.access
import rego.v2

test_a_case_worker_has_nothing_that_the_system_has_not if {
	beyond := {[action, relation] |
		some action, relations in access.grants.case_worker
		some relation in (relations - object.get(access.grants.authority_system, action, set()))
	}
	beyond == set()
}

test_a_case_worker_has_no_inbox if {
	object.get(access.grants.case_worker, "inbox.read", set()) == set()
}
