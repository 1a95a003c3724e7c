// Package openid is the embedded OpenID provider: real tokens for trying out, development and small sites, so that the
// same relying-party code runs against it and against Keycloak (DESIGN law 9). It owns the signing key, codes in
// flight, used assertions and the login form. It must not know roles, tenants or authorities: a token names only the
// client or the person, everything else stands in the broker's own row.
//
//	route (below the issuer)             what it does
//	-----------------------------------  ---------------------------------------------------------------------
//	GET  /.well-known/openid-configuration, /jwks   discovery; ES256
//	GET  /authorize                      client and redirect URI first (400, never a redirect), then the login form
//	POST /login                          person and password → code, 303 to the client with state and iss (RFC 9207)
//	POST /token                          authorization_code (PKCE S256), client_credentials (private_key_jwt, RFC 7523)
//	GET  /logout                         back to a registered address, or a page
//
//	thing in flight        lives                            ends
//	---------------------  -------------------------------  ----------------------------------------------------
//	login                  10 minutes, in memory            when a code is issued for it
//	code                   1 minute, in memory              at its first presentation, even a wrong one
//	used assertion (jti)   until its expiry, on disk        a replay is answered 401, also after a restart
//	access token           10 minutes                       audience broker-api, typ at+jwt
//
// Invariants, each with a test: a code is bound to client, redirect URI and challenge; an unknown person costs the same
// work as a wrong password; nothing that holds a secret is cached; New refuses an issuer that is not loopback; one process
// per directory (DIR/lock).
package openid
