// Package region holds the official register of municipalities: which area a regional key names, how an AGS converts to
// an ARS, and which areas a postcode may mean. It answers where, never who: competence says who.
//
//	question                  answer                       never
//	Area(ARS)                 the area, or none            padding a shorter key
//	ByMunicipality(AGS)       the area, or none            computing an ARS from an AGS
//	ByPostcode(code)          every candidate              guessing one of them
//	Known(key)                is it an area, or a prefix   accepting a key of another date
//	                          of one (Land, Kreis, …)?
//
// The register is of one date (Date). It is read by an explicit Load, at start, and never changes afterwards.
package region
