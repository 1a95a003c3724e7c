package efa.access

import rego.v2

# METADATA
# title: A portal files for applicants and sees the state of their cases, never content
# custom:
#   role: portal
#   norms: [OZG § 8(8), OZG § 8a(1)]
grants["portal"] := {
	"case.list": {"collection", "own"},
	"case.read": {"own"},
	"case.submit": {"collection"},
	"competence.find": {"collection"},
	"disclosure.explain": {"own"},
	"disclosure.list": {"collection", "own"},
	"task.list": {"collection", "own"},
	"task.read": {"own"},
}
