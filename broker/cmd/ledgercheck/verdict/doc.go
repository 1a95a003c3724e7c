// Package verdict judges, rule by rule, whether what stands in the ledger database is what producers, recipients and
// readers of the event log saw. It is asked when nothing moves any more.
//
//	lost          an acknowledged submission has its case; an event waits in the outbox or stands in the event log; what an
//	              authority should learn stands in its inbox, waits, or was put aside with a reason; what it wrote on its own
//	              topic has its effect, was refused, or was not read yet
//	duplicate     one submission, one case; each effect once in the ledger and once in an inbox. Deliveries that a
//	              recipient saw again are a rate, no fault
//	phantom       every case, record, item, delivery and answer goes back to what a producer or an authority sent or the
//	              ledger holds
//	order         per case without gaps, in ledger, event log and inbox; a place in an inbox never shows two things; answers
//	              about a task or a delivery are linearizable: each is decided once, a conflict needs another decision (of a task
//	              with a due instant it may be the one to come), and nobody sees it open afterwards
//	leak          a canary stands only in what its recipient fetched, and the decision released a field that holds it
//	authorised    announcement, task, disclosure and handed over bytes each have their decision, for that recipient, taken
//	              before, and none after the erasure of the case
//	evidence      every receipt verifies, every event has one, every acknowledgement is the receipt that stands there
//	conservation  per authority: announced = accepted + rejected + open + waiting + put aside
//
// It shares no code with the broker.
package verdict
