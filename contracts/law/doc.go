// Package law holds law as data with a citation (DESIGN law 7): deadlines with silence effects, and the rows that say
// which recipient may have which fields for which purpose on which basis. Nothing here is a constant in code: the
// records come from the files under data, each with norm, jurisdiction, validity and a mark of certainty.
//
//	file                      becomes                what Load refuses
//	gewanzv_fields.csv        FormField              a field twice, a field without data group
//	gewanzv_recipients.csv    Row (list and norm)    a number that the form lacks, an unknown mode or condition, a
//	                                                 recipient twice
//	recipients.csv            Recipient              a recipient number or a role twice
//	matrix.yaml               Row (other columns)    an unknown member, a missing basis, period or purpose
//	deadlines.yaml            DeadlineRecord         an unknown member or silence effect, a period and "without undue
//	                                                 delay" at once, an id twice at one time
//
// "All except" is expanded to a positive list against the closed field list of the form, so that a field that a later
// form adds is given to nobody until a row names it. The signature is in no row.
//
// The package owns the records and their calendar days (Europe/Berlin). It must not know cases, parties or requests:
// which row applies is the policy's question.
package law
