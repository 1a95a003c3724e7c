package efa.access

import rego.v2

# METADATA
# title: The operator sees that and why something happened and who has the ball, opens no content and acts for no office
# custom:
#   role: operator
#   norms: [OZG § 8a(4), IDNrG § 7(2)]
grants["operator"] := {
	"act.list": {"collection"},
	"authority.list": {"collection", "hosted"},
	"case.erase": {"hosted"},
	"case.hold": {"hosted"},
	"case.list": {"collection", "hosted"},
	"case.read": {"hosted"},
	"competence.find": {"collection", "hosted"},
	"deadletter.list": {"collection", "hosted"},
	"deadletter.resend": {"hosted"},
	"disclosure.explain": {"hosted"},
	"disclosure.list": {"collection", "hosted"},
	"disclosure.replay": {"hosted"},
	"key.rewrap": {"collection"},
	"ledger.verify": {"collection", "hosted"},
	"task.list": {"collection"},
	"task.read": {"hosted"},
	"outbox.replay": {"collection"},
	"reconcile.compare": {"collection"},
	"reconcile.repair": {"collection"},
}
