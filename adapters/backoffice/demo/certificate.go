package demo

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"
	_ "time/tzdata" // Europe/Berlin must be known on a machine without zone files

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
)

// certificate is the receipt certificate (Empfangsbescheinigung, GewO § 15(1)) with the office's file reference. Its id
// follows from task and day, so that a repeat on the same day stores the same document once.
func certificate(office authority.ID, item delivery.Item, reference string, today time.Time) (backoffice.Document, error) {
	day := today.Format(time.DateOnly)
	body, err := json.Marshal(map[string]string{
		"document":       "Empfangsbescheinigung",
		"legal_basis":    "GewO § 15(1)",
		"authority":      string(office),
		"case_id":        item.Case,
		"file_reference": reference,
		"issued_on":      day,
	})
	if err != nil {
		return backoffice.Document{}, contracts.Errorf(contracts.Internal, "draw up certificate", "%w", err)
	}
	return backoffice.Document{
		ID:   content.ID(uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:efa:demo:certificate:"+item.Task+":"+day)).String()),
		Case: item.Case, Kind: content.Certificate, MediaType: "application/json", Body: body,
	}, nil
}

// fileReference is the reference (Aktenzeichen) under which an office of the demo files a task.
func fileReference(task string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(task)) // a hash never fails
	return fmt.Sprintf("GewReg %06d", h.Sum32()%1_000_000)
}

// germany is the zone of every day in a notice.
func germany() *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err) // time/tzdata is linked
	}
	return zone
}
