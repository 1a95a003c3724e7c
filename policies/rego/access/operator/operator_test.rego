package efa.access_test

import data.efa.access
import rego.v2

test_the_operator_opens_no_content_and_acts_for_no_office if {
	acts := {action |
		some action, _ in access.grants.operator
		some prefix in ["content.", "task.answer", "inbox.", "delivery.", "case.submit", "case.forward"]
		startswith(action, prefix)
	}
	acts == set()
}

test_the_operator_sees_who_has_the_ball if {
	access.allow with input as {"role": "operator", "action": "task.list", "relation": "collection"}
	access.allow with input as {"role": "operator", "action": "task.read", "relation": "hosted"}
}

test_the_operator_answers_no_task[relation] if {
	some relation in ["own", "lead", "holder", "participant", "hosted", "other", "foreign", "collection"]
	access.allow == false with input as {"role": "operator", "action": "task.answer", "relation": relation}
}

test_nobody_else_sends_again_or_rebuilds if {
	others := {role |
		some role, actions in access.grants
		role != "operator"
		some action, _ in actions
		some prefix in ["deadletter.", "outbox.", "reconcile."]
		startswith(action, prefix)
	}
	others == set()
}
