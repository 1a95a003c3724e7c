package efa.disclosure

import rego.v2

# METADATA
# title: The law provides for the transfer for this purpose; there is no hierarchy of purposes
# custom:
#   requirement: purpose.bound
#   norms: [GDPR Art. 5(1)(b)]
proof["purpose.bound"] := requested if input.purpose in row.purposes
