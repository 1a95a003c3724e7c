// Package seal signs and verifies CloudEvents by the extension "Verifiable CloudEvents with DSSE" (payload type
// https://cloudevents.io/verifiability/dsse/v0.1): dssematerial holds a DSSE 1.0.2 envelope over the digest of all context
// attributes, the data, and the extensions that signedextattrs lists.
//
//	dssematerial     Base64 of {"payloadType", "payload": Base64 of 32 bytes, "signatures": [{"keyid", "sig"}]}
//	signedextattrs   names of extensions, a comma between, in the order in which they are digested
//	ES256            ECDSA on P-256 over SHA-256, r and s of 32 bytes each one after the other (RFC 7518 § 3.4)
//	Ed25519          RFC 8032
//
// The broker asks for more than the extension does: every extension of the event is listed, so that none can be added,
// taken away or altered, and the key is registered for the sender. An envelope names no algorithm; the registered key has
// one, and no other is tried. Seal and Ring.Verify are the two sides.
//
// A seal does not hide, order or number events, and does not stop a repeat: whoever takes them drops what it has seen under
// the same source and id. The time of an event is sealed to the second.
package seal
