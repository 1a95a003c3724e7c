package efa.access_test

import data.efa.access
import rego.v2

test_a_system_answers_only_what_its_authority_holds[action] if {
	some action in ["case.forward", "delivery.answer", "task.answer"]
	access.grants.authority_system[action] == {"holder"}
}

test_a_system_may_ask_for_any_content_of_its_operator if {
	access.grants.authority_system["content.fetch"] == {"holder", "lead", "other", "participant"}
}
