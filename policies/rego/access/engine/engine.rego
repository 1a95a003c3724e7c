package efa.access

import rego.v2

# METADATA
# title: The process engine acts inside the broker; nothing asks in its name
# custom:
#   role: engine
#   norms: [GDPR Art. 32]
grants["engine"] := {}
