package demo

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/efa-broker/efa-broker/contracts/key"
)

// notice is what the deregistration takes from the registration (GewA1). Members that pass on whole stay as they are
// written.
type notice struct {
	// Business holds fields 1 to 3.
	Business json.RawMessage `json:"business"`
	// Person holds fields 4 to 11, FurtherPersons the same for each further representative.
	Person         json.RawMessage `json:"person"`
	FurtherPersons json.RawMessage `json:"further_persons,omitempty"`
	// Representation holds fields 12 and 14.
	Representation json.RawMessage `json:"representation,omitempty"`
	// PublicParticipation is field 13.
	PublicParticipation json.RawMessage `json:"public_participation,omitempty"`
	// PlaceOfBusiness is field 15, FormerPlace field 17.
	PlaceOfBusiness json.RawMessage `json:"place_of_business"`
	FormerPlace     json.RawMessage `json:"former_place"`
	Activity        struct {
		// StartDate is field 20.
		StartDate string `json:"start_date"`
	} `json:"activity"`
}

// deregistration is GewA3, in the words of its application schema.
type deregistration struct {
	Business            json.RawMessage `json:"business"`
	Person              json.RawMessage `json:"person"`
	FurtherPersons      json.RawMessage `json:"further_persons,omitempty"`
	Representation      json.RawMessage `json:"representation,omitempty"`
	PublicParticipation json.RawMessage `json:"public_participation,omitempty"`
	PlaceOfBusiness     json.RawMessage `json:"place_of_business"`
	MainEstablishment   json.RawMessage `json:"main_establishment,omitempty"`
	FuturePlace         json.RawMessage `json:"future_place"`
	Activity            endedActivity   `json:"activity"`
	Establishment       json.RawMessage `json:"establishment"`
	Reason              string          `json:"reason"`
	NoticeDate          string          `json:"notice_date"`
}

type endedActivity struct {
	EntryActivity
	EndDate string `json:"end_date"`
}

// relocation is the code of field 25 for a move into another district.
const relocation = "relocation_to_other_district"

// drawUp fills GewA3 for a business that moved away (GewAnzV § 3(2a) s. 2). Where each field comes from:
//
//	1–14        the notice, same fields
//	15          the notice, 17: the former place
//	16, 18, 19  the own register
//	17          the notice, 15: the new place
//	20          the day before the notice's 20
//	21–24       the own register
//	25          relocation to another district
//	26–28       absent: nobody took the business over, and the causes are not known
//	29          today
//	30          never: an electronic notice has no signature
func drawUp(n notice, e Entry, today time.Time) (json.RawMessage, error) {
	start, err := time.Parse(time.DateOnly, n.Activity.StartDate)
	if err != nil {
		return nil, errors.New("field 20 of the notice is no date") // never the value
	}
	return json.Marshal(deregistration{
		Business: n.Business, Person: n.Person, FurtherPersons: n.FurtherPersons,
		Representation: n.Representation, PublicParticipation: n.PublicParticipation,
		PlaceOfBusiness: n.FormerPlace, MainEstablishment: e.MainEstablishment, FuturePlace: n.PlaceOfBusiness,
		Activity:      endedActivity{e.Activity, start.AddDate(0, 0, -1).Format(time.DateOnly)},
		Establishment: e.Establishment, Reason: relocation, NoticeDate: today.Format(time.DateOnly),
	})
}

// region is the region key of the former place (field 17), where the deregistration is filed.
func (n notice) region() (key.RegionKey, error) {
	var place struct {
		Region string `json:"region_key"`
	}
	if err := json.Unmarshal(n.FormerPlace, &place); err != nil {
		return "", errors.New("field 17 of the notice cannot be read")
	}
	return key.ParseRegionKey(place.Region)
}

// identity is by what the register finds a business: fields 1, 4, 5 and 8.
func (n notice) identity() (Identity, error) {
	var business struct {
		RegisteredName string `json:"registered_name"`
	}
	var person struct {
		FamilyName string `json:"family_name"`
		GivenNames string `json:"given_names"`
		BirthDate  string `json:"birth_date"`
	}
	if json.Unmarshal(n.Business, &business) != nil || json.Unmarshal(n.Person, &person) != nil {
		return Identity{}, errors.New("fields 1, 4, 5 and 8 of the notice cannot be read")
	}
	return Identity{business.RegisteredName, person.FamilyName, person.GivenNames, person.BirthDate}, nil
}
