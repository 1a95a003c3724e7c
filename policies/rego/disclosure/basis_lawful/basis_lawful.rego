package efa.disclosure

import rego.v2

# METADATA
# title: A law names the recipient for this service, and its conditions hold
# custom:
#   requirement: basis.lawful
#   norms: [GDPR Art. 6(1)]
proof["basis.lawful"] := requested if object.subset(input.facts, row.conditions)
