package efa.access_test

import data.efa.access
import rego.v2

test_a_granted_relation_is_allowed if {
	access.allow with input as {"role": "portal", "action": "case.read", "relation": "own"}
}

test_what_is_not_granted_is_denied[name] if {
	some name, asked in {
		"another relation": {"role": "portal", "action": "case.read", "relation": "other"},
		"another action": {"role": "portal", "action": "ledger.verify", "relation": "own"},
		"an unknown role": {"role": "auditor", "action": "case.read", "relation": "own"},
		"no relation": {"role": "portal", "action": "case.read"},
		"nothing": {},
	}
	access.allow == false with input as asked
}

test_nobody_is_granted_anything_of_another_operator if {
	granted := {role | some role, actions in access.grants; some relations in actions; "foreign" in relations}
	granted == set()
}
