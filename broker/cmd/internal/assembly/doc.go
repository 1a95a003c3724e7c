// Package assembly puts the rooms of the house together into one broker: stores, policy, domains, process worker and
// background work over engines that somebody else started. Programs differ only in the engines that they bring
// (DESIGN law 9: the embedded default is the same program).
//
//	Open     stores, policy, domains; migrations, law and competence are in place; nothing runs
//	Admit    who may speak to the broker
//	Start    worker → lease of this replica as a receiver → consumers behind the guard of dead letters → watermark → relay →
//	         sweepers; StartServing and StartWorking do their part of it, for programs of which several run
//	Handler  the HTTP API of all domains behind the one door (broker/internal/httpserver)
//	Drain    not ready any more, but going on
//	Stop     relay and consumers → worker → engine client → lease → stores
//
// It owns no rule and no table. The map of the system is domains.go: one constructor per domain, one list of projectors,
// one list of routes.
package assembly
