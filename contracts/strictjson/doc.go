// Package strictjson reads JSON in the one way that every parser agrees on (I-JSON, RFC 7493). What two parsers could
// read differently is refused, so that what was validated is what is processed (ASVS 5.0 1.5.3).
//
//	refused                                       because
//	--------------------------------------------  ----------------------------------------------------------
//	a name twice in one object                    parsers keep the first, the last or both
//	invalid UTF-8, a byte order mark, U+FFFD      replaced silently by some; U+FFFD also stands for half a
//	                                              surrogate pair once a parser has replaced it
//	anything after the value, NaN, Infinity       accepted by some
//	more than 64 levels                           stacks end
//	numbers beyond a double                       become infinite or zero
//
// It knows no schema and keeps no text: problems carry pointers and byte offsets, never what was sent.
package strictjson
