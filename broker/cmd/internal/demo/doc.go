// Package demo runs the main job of the broker as its users would, over the HTTP API: the owner of a business in
// Nürnberg moves it to München and registers it once. It shows each step in German as it happens and checks at the end
// that all of them were seen.
//
//	role                client            what it does here
//	portal              portal-bayern     files the notice, looks at the owner's two cases
//	operator            operator-bayern   follows events, lists and explains disclosures, verifies the ledger
//	building authority  bauamt-muenchen   asks for content although it is on no list, and gets nothing
//
// The offices that do the work are played elsewhere (adapters/backoffice/demo) or by real back offices. The package knows
// the API only; it must not touch a database.
package demo
