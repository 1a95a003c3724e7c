// Package client speaks the broker's HTTP API: code generated from contracts/api/openapi.yaml, the machine log-in that
// every client needs (client_credentials with private_key_jwt, RFC 7523), and the way back from problem+json (RFC
// 9457) to *contracts.Error.
//
// What it owns, in the order in which a request meets it:
//
//	Credentials  client id and private key (ES256), read from a file that only its owner may read
//	TokenSource  assertion → access token, kept until shortly before it expires
//	Open         the generated client whose requests carry the token; an answer that is no success is an error
//
// It must not know what a request is for: back offices (adapters/backoffice) and the command line (broker/cmd/efabroker)
// stand on it.
package client
