// Package competence says which authority answers for a role of a service in a region. It owns the tables tenants,
// authorities and competences; it must not know what an authority does with a case.
//
//	question                              answer                            otherwise
//	Resolve(service, region, role)        exactly one active authority      NotCompetent ("no route")
//	Authority(id)                         the authority                     NotFound
//	Areas(region | AGS | postcode)        every area that may be meant      Invalid, with the parameter's name
//	Seed()                                the embedded register as rows     a second run changes nothing
//
// Resolution (features RT-01 to RT-04). A competence names a service exactly, by its object, or not at all, and a region
// by 12 digits or a prefix. The more specific service decides first, then the more specific region:
//
//	exact key → object key → every service   ×   12 → 9 → 5 → 3 → 2 digits → federation
//
// The first pair with an active competence is the answer. Two authorities there are a fault of the register: none is
// chosen. An unknown pair is "no route", never a default office.
package competence
