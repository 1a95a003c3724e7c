package generate

import (
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// Ids of the examples: a business moves from Nürnberg to München.
const (
	caseMuenchen  = "5b0c7a52-6f0e-4a4e-9d53-0d8f1f6b2a11"
	caseNuernberg = "c2a7d1f4-83b6-4c1d-8c0a-7e5b9d3f6a20"
	application   = content.ID("0f6f3c0e-2b0a-4d59-8a55-5d3e1c7b9f31")
	certificate   = content.ID("8d1e9b7a-4c3f-4e2d-9b6a-1f0e2d3c4b52")
	register      = caseMuenchen + ".register.1"
	forward       = caseMuenchen + ".forward.1"
	basis         = "eu-gdpr:A6-1-c"
)

// Examples maps each event type to data as the broker emits them.
func Examples() map[string]any {
	due := time.Date(2026, 11, 28, 23, 0, 0, 0, time.UTC)
	form := content.Ref{Content: application, Kind: content.Application, Form: "gewa1", Digest: digest("a1")}
	return map[string]any{
		event.TypeCaseSubmitted: event.CaseSubmitted{
			Service: "99050012104000", Package: digest("3c"), Definition: digest("09"), Procedure: procedure.Notification,
			Lead: "gewerbeamt-muenchen",
			Parties: []authority.Party{
				{Role: authority.Lead, Authority: "gewerbeamt-muenchen"},
				{Role: authority.Previous, Authority: "gewerbeamt-nuernberg"},
				{Role: "tax_office", Authority: "finanzamt-muenchen"},
			},
			Facts:    fact.Values{"register": "commercial", "full_move": true},
			Contents: []content.Ref{form},
		},
		event.TypeTaskAssigned: event.TaskAssigned{
			Task: register, Step: "register", Pass: 1, Role: authority.Lead, Authority: "gewerbeamt-muenchen",
			Outcomes: []string{"registered"}, OutcomeFacts: []string{"indications_of_violation"},
			Deadline: law.Deadline{Law: "gewo-15-1", LegalBasis: "GewO § 15(1)", Due: &due, SilenceEffect: law.None},
			Purpose:  "notice.register", Basis: basis, Contents: []content.Ref{form},
		},
		event.TypeTaskCompleted: event.TaskCompleted{
			Task: register, Step: "register", Pass: 1, Outcome: "registered",
			Facts:    fact.Values{"indications_of_violation": false},
			Contents: []content.Ref{{Content: certificate, Kind: content.Certificate, Digest: digest("b2")}},
		},
		event.TypeTaskExpired: event.TaskExpired{
			Task: forward, Step: "forward", Pass: 1, Authority: "gewerbeamt-nuernberg", Expired: due,
			Law: "baybo-65", LegalBasis: "BayBO Art. 65", SilenceEffect: law.Disregardable,
		},
		event.TypeTaskReturned:     event.TaskReturned{Task: forward, Step: "forward", Pass: 1, Reason: "not_competent"},
		event.TypeCaseAcknowledged: event.CaseAcknowledged{Step: "acknowledge", Pass: 1},
		event.TypeContentAnnounced: event.ContentAnnounced{
			Step: "inform", Pass: 1, Role: "tax_office", Authority: "finanzamt-muenchen",
			Purpose: "notice.inform", Basis: basis, Contents: []content.Ref{form},
			Decision: "7a9f2e10-5c44-4b7e-8f0d-2f6b1c3d4e61",
		},
		event.TypeDeliveryAccepted: event.DeliveryAnswered{
			Delivery: "e4b1c2d3-1a2b-4c3d-9e8f-0a1b2c3d4e72", Authority: "gewerbeamt-muenchen",
		},
		event.TypeDeliveryRejected: event.DeliveryAnswered{
			Delivery: "e4b1c2d3-1a2b-4c3d-9e8f-0a1b2c3d4e72", Authority: "finanzamt-muenchen", Reason: delivery.Undecodable,
		},
		event.TypeDisclosureRecorded: event.DisclosureRecorded{
			Disclosure: "1d2c3b4a-9f8e-4d7c-8b6a-5f4e3d2c1b83", Decision: "9c8b7a69-5e4d-4c3b-9a2f-1e0d9c8b7a94",
			Authority: "finanzamt-muenchen", Content: application, Record: digest("c3"),
		},
		event.TypeDisclosureRefused: event.DisclosureRecorded{
			Decision: "2f1e0d9c-8b7a-4695-8e4d-3c2b1a0f9ea5", Authority: "bauamt-muenchen", Content: application, Record: digest("d4"),
		},
		event.TypeCaseLinked:    event.CaseLinked{Linked: caseNuernberg, Relation: "opened", Task: forward},
		event.TypeCaseEscalated: event.CaseEscalated{Step: "forward", Pass: 1, Reason: "not_competent"},
		event.TypeCaseClosed:    event.CaseClosed{Step: "done", Pass: 1, Announcements: 12},
		event.TypeCaseErased:    event.CaseErased{Erasure: "6f1b2c3d-4e5f-5a6b-8c7d-9e0f1a2b3ca6", Reason: "retention_expired"},
	}
}

// digest is an example of a SHA-256: two hex digits, repeated.
func digest(pair string) string { return strings.Repeat(pair, 32) }
