// Package identity answers who is calling. It owns the table principals: who may speak to the broker, in which role,
// for which authority, tenant and operator. A token names only the client or the person; whatever else it claims is not
// read (DESIGN decision 15: a Viewer in every read). It must not know what a role may do; the access policy does.
//
//	token                                       row                 answer
//	------------------------------------------  ------------------  --------------------------------------------
//	not verified: signature, algorithm, issuer,  –                  Unauthenticated
//	audience, expiry
//	verified                                    none, other kind    Unauthenticated
//	verified                                    revoked             Unauthenticated
//	verified                                    counts              Viewer of the row
//	keys or database out of reach               –                   Unavailable
//
// Verifying needs no call to the provider once its keys are known; a new key is fetched when a token names it. A token that
// was verified is remembered until it expires, at most ten minutes, so a key that the provider takes back counts that much longer. The row
// is read for every request and kept nowhere, so a revocation works with the next request.
package identity
