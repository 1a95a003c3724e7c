// Package key holds the keys that German administration uses to say what (LeiKa service keys) and where (regional
// keys). A key is a value that was checked once, at Parse; it never says who is responsible: competence does.
//
//	ServiceKey       ^99\d{12}$ or local:<slug>            FIM / LeiKa
//	RegionKey        12 digits, or a prefix of 2, 3, 5, 9  Amtlicher Regionalschlüssel (ARS)
//	MunicipalityKey  8 digits                              Amtlicher Gemeindeschlüssel (AGS)
//
// An ARS cannot be computed from an AGS where a Verband exists; only the dated table in contracts/region converts.
package key
