package efa.access_test

import data.efa.access
import rego.v2

test_a_portal_opens_no_content if {
	content := {action | some action, _ in access.grants.portal; startswith(action, "content.")}
	content == set()
}

test_a_portal_reads_only_its_own if {
	relations := {relation | some action, rs in access.grants.portal; endswith(action, ".read"); some relation in rs}
	relations == {"own"}
}
