// Package receipt holds the signed receipts that form one hash chain per case (DESIGN decision 5). A receipt commits
// to digests of events and ciphertext, never of plaintext: the digest of a yes/no field gives the field away.
package receipt
