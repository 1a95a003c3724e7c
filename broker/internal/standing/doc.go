// Package standing answers how a viewer stands to a case, from the broker's own rows, and asks the access policy with
// the answer. It owns no table and knows no rule: who may do what is the policy's.
//
// What a viewer must not know is answered like what does not exist (NotFound); a collection that it may not open is
// Denied.
package standing
