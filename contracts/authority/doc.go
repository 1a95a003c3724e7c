// Package authority names who acts: the operator that hosts the broker, the tenants (controllers) that it hosts, and
// their authorities; and competence, which says which authority answers for a service in a region.
//
// The three are different things (DESIGN law 8): OZG § 8a(4) makes the operator controller of the online service and
// the authority controller of its procedure. An authority has its own id, never a regional key.
package authority
