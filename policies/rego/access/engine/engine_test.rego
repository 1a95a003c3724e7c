package efa.access_test

import data.efa.access
import rego.v2

test_the_engine_is_granted_nothing if {
	access.grants.engine == {}
}
