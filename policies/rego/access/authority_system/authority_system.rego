package efa.access

import rego.v2

# METADATA
# title: A back office works on the cases, tasks and deliveries of its own authority
# description: >-
#   It may ask for any content of its operator: who asks for content always meets the disclosure policy, which decides
#   and records the refusal too.
# custom:
#   role: authority_system
#   norms: [GewO § 14(8), GewO § 14(12)]
grants["authority_system"] := {
	"act.list": {"collection"},
	"authority.list": {"collection"},
	"case.forward": {"holder"},
	"case.list": {"collection"},
	"case.read": {"holder", "lead", "participant"},
	"competence.find": {"collection"},
	"content.fetch": {"holder", "lead", "other", "participant"},
	"content.store": {"holder", "lead"},
	"delivery.answer": {"holder"},
	"disclosure.explain": {"holder", "lead"},
	"disclosure.list": {"collection", "lead"},
	"inbox.read": {"collection"},
	"task.answer": {"holder"},
	"task.list": {"collection"},
	"task.read": {"holder", "lead"},
}
