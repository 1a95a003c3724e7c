package efa.disclosure

import rego.v2

# METADATA
# title: The field is on the recipient's list
# custom:
#   requirement: field.listed
#   norms: [GDPR Art. 5(1)(c)]
proof["field.listed"] := requested & object.keys(row.fields)
