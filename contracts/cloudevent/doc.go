// Package cloudevent reads and writes CloudEvents 1.0 in the two modes of the Kafka binding, for events that come from
// outside. It reads in the one way that every reader agrees on: what two readers could take differently is refused, so that
// what was sealed is what is processed.
//
//	refused                                             FaultError
//	--------------------------------------------------  ------------------
//	more than 64 KiB of key, headers and value          too_large
//	neither ce_specversion nor a content-type of events  not_an_event
//	a content-type of events beside ce_ headers         both_modes
//	a header twice, in whatever case                    repeated_header
//	bytes that are no UTF-8, control characters         not_utf8
//	another version of CloudEvents                      unknown_version
//	batches, formats other than JSON, other parameters  unsupported_format
//	JSON that is not strict (package strictjson)        not_strict_json
//	an attribute that is missing, empty, no string,     attribute
//	badly named, or given twice
//
// It must not know what an event means or who may send it. The readers of the CloudEvents SDK agree with Read on every
// record that Read accepts; the reverse is not wanted.
package cloudevent
