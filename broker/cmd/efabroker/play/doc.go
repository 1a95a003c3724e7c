// Package play plays the move of a business against a running broker, with the back offices of its authorities unless
// those run elsewhere. It speaks to the broker as clients do and must not know its databases.
package play
