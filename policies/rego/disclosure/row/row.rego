package efa.disclosure

import rego.v2

# METADATA
# title: The row of the law for this service, role and basis that is in force now
# description: Two rows at one time are a contradiction in the law; the rule then fails and nothing leaves.
# custom:
#   norms: [GDPR Art. 6(3), GewO § 14(8)]
row := candidate if {
	some candidate in data.law.rows[input.service][input.recipient.role][input.basis]
	candidate.begins <= input.now
	input.now < candidate.ends
}
