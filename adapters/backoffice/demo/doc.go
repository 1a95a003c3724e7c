// Package demo plays the back offices of the demo: HTTP clients of the published API with a machine token each, which
// know of the broker only what adapters/backoffice says.
//
//	item                        who                    what it does
//	task register               trade office (lead)    fetches the notice, stores the receipt certificate with its file
//	                                                   reference (GewO § 15(1)), answers "registered"
//	task that opens GewA3       trade office           fetches the notice, looks the business up in its own register,
//	                            (previous)             draws up GewA3 and submits it; an unknown business is answered
//	                                                   with not competent
//	announcement                every office           fetches all fields of the form, so that the policy says which it
//	                                                   obtains, and accepts the delivery
//
// What an office obtained is written to a file per delivery when Config.Dir is set; these files hold content, mode 0600.
// The people and firms of the register (register/*.json) are invented. The package must not know the broker's code, and
// nothing in it is needed by a real partner: that is what adapters/backoffice/ADDING.md is for.
package demo
