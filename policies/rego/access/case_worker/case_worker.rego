package efa.access

import rego.v2

# METADATA
# title: A case worker reads what the authority may read and answers its tasks; the inbox is for systems
# custom:
#   role: case_worker
#   norms: [GewO § 14(8), GewO § 14(12)]
grants["case_worker"] := {
	"act.list": {"collection"},
	"authority.list": {"collection"},
	"case.list": {"collection"},
	"case.read": {"holder", "lead", "participant"},
	"competence.find": {"collection"},
	"content.fetch": {"holder", "lead", "other", "participant"},
	"disclosure.explain": {"holder", "lead"},
	"disclosure.list": {"collection", "lead"},
	"task.answer": {"holder"},
	"task.list": {"collection"},
	"task.read": {"holder", "lead"},
}
