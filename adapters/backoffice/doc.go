// Package backoffice is the contract that a partner's system (Fachverfahren) meets. Read this page, then Port and
// Handler; there is nothing else to know.
//
//	the broker says                  the back office does                              and tells the broker
//	delivery.TaskItem                fetches what was delivered, decides               Answer: an outcome, or NotCompetent
//	  … whose Opens names a service  draws up the notice of that service               Submit with Completes
//	delivery.AnnouncementItem        fetches what was delivered, files it              nothing more
//	either                           could read it, or could not                       Confirm
//
// A Handler holds what one authority does; a Runner reads the inbox of that authority, gives each item to the handler
// and remembers in a Journal how far it came.
//
// Invariants, each tested by backofficetest or this package's own tests:
//   - At least once: an item may come again, after a crash or when the broker was restored. Every method of Port may be
//     repeated with the same arguments and then has the same effect as once.
//   - In order: the items of one authority come in the order of its inbox; a passing fault holds the inbox up, any other
//     fault gives up that one item (see Verdict).
//   - Delivery answers (Confirm) say whether content could be read. They move no task (DESIGN law 6).
//   - What was fetched is content of a person. It reaches no log: Fetched redacts itself.
//
// The package owns no transport (pull speaks the HTTP API) and no procedure. It must not know the broker's code.
package backoffice
