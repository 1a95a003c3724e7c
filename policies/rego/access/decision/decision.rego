# METADATA
# title: Who may do what; whatever no role is granted is denied
# custom:
#   norms: [GDPR Art. 25, GDPR Art. 32, IDNrG § 8]
package efa.access

import rego.v2

# METADATA
# title: May this role do this with something that stands in this relation to it?
# description: Each rule folder adds grants[role], which maps an action to the relations in which it is allowed.
# entrypoint: true
# custom:
#   norms: [GDPR Art. 25, GDPR Art. 32, IDNrG § 8]
default allow := false

allow if input.relation in grants[input.role][input.action]
