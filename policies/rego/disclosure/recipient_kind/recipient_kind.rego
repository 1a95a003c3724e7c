package efa.disclosure

import rego.v2

# METADATA
# title: The recipient is an office of the kind that the law names, and takes part in the case
# custom:
#   requirement: recipient.kind
#   norms: [GDPR Art. 6(3)]
proof["recipient.kind"] := requested if {
	input.recipient.role != "none"
	input.recipient.kind == row.kind
}
