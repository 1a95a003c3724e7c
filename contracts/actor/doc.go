// Package actor names who does something (Actor, on every event) and who looks at something (Viewer, in every read).
// Both come from the broker's own row for the client or person that a token names, never from the token's claims.
package actor
