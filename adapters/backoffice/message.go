package backoffice

import (
	"encoding/json"
	"log/slog"
	"time"

	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
)

// Ask is what a back office wants of a content. Purpose and Basis stand in the item that announced it.
type Ask struct {
	// Fields are 1 to 500 distinct field ids: "gewa1.13". There are no groups and no wildcards.
	Fields []string
	// Purpose is the purpose for which it asks: "notice.inform".
	Purpose string
	// Basis is the code of the legal basis: "eu-gdpr:A6-1-c".
	Basis string
}

// Fetched is what the broker handed over. In JSON it is the answer of the published API.
type Fetched struct {
	Content content.ID `json:"content_id"`
	Case    string     `json:"case_id"`
	// Form is the form whose field ids Released uses: "gewa1".
	Form string `json:"form"`
	// Disclosure is the same for every fetch of the same content by the same authority; Decision is new each time.
	Disclosure string           `json:"disclosure_id"`
	Decision   string           `json:"decision_id"`
	Outcome    decision.Outcome `json:"outcome"`
	Released   []string         `json:"released"`
	// Withheld maps each field that stayed behind to what was not proven.
	Withheld map[string][]string `json:"withheld"`
	// Body is the application with the released fields only, JSON.
	Body json.RawMessage `json:"content"`
}

// LogValue names the disclosure without what was disclosed.
func (f Fetched) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("case_id", f.Case), slog.String("disclosure_id", f.Disclosure), slog.Int("released", len(f.Released)))
}

// Document is a certificate or an attachment to store. It reaches no log.
type Document struct {
	// ID is a UUID that the back office chooses; a repeat with the same id and body changes nothing.
	ID content.ID
	// Case is the case that it belongs to.
	Case string
	// Kind is content.Certificate or content.Attachment.
	Kind content.Kind
	// MediaType is "application/json" or "application/pdf".
	MediaType string
	Body      []byte
}

// LogValue names the document without its body.
func (d Document) LogValue() slog.Value {
	return slog.GroupValue(slog.String("content_id", string(d.ID)), slog.String("kind", string(d.Kind)))
}

// Outcome is the answer to a task.
type Outcome struct {
	// Code is one of the item's Outcomes, or that of NotCompetent.
	Code string
	// Facts are facts that the task allows with an outcome. May be empty.
	Facts fact.Values
	// Contents are documents stored before. May be empty.
	Contents []content.Ref
}

// NotCompetent is the third answer beside yes and no: another authority is responsible.
func NotCompetent() Outcome { return Outcome{Code: engine.NotCompetent} }

// Submission is a notice to file.
type Submission struct {
	// ID is 8 to 128 characters of A–Z, a–z, 0–9 and "._:/-", chosen by the back office. It is the key for repeats, so
	// derive it from what the submission stands for.
	ID      string
	Service key.ServiceKey
	// Region is the region key (ARS, 12 digits) of the place of business; it finds the lead authority.
	Region key.RegionKey
	// Application is the filled form, JSON.
	Application json.RawMessage
	// Completes is the task that this submission completes. May be nil.
	Completes *Completes
}

// LogValue names the submission without its application.
func (s Submission) LogValue() slog.Value { return slog.StringValue(s.ID) }

// Completes names the task that a submission completes.
type Completes struct {
	Case string
	Task string
	// Outcome is one of the task's outcomes.
	Outcome string
}

// Submitted says which case a submission opened.
type Submitted struct {
	Case       string
	ReceivedAt time.Time
}
