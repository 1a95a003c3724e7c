package content

import (
	"log/slog"

	"github.com/efa-broker/efa-broker/contracts/authority"
)

// ID identifies one sealed object: a random UUID.
type ID string

// Kind says what an object is.
type Kind string

const (
	// Application is the filled form that opened the case.
	Application Kind = "application"
	// Certificate is a receipt certificate (Empfangsbescheinigung, GewO § 15(1)); it also holds the file reference.
	Certificate Kind = "certificate"
	// Attachment is a further document (Anlage).
	Attachment Kind = "attachment"
)

// Ref refers to a sealed object of a case.
type Ref struct {
	Content ID   `json:"content_id"`
	Kind    Kind `json:"kind"`
	// Form is the form whose field list applies, lower case ("gewa1"); empty for other kinds.
	Form string `json:"form,omitempty"`
	// Digest is the SHA-256 of the ciphertext, hex. A digest of the plaintext would give short fields away.
	Digest string `json:"digest,omitempty"`
}

// Facts is the kind under which the vault keeps sensitive facts; no event refers to it.
const Facts Kind = "facts"

// Object is content with everything that is needed to seal it or was found when it was opened.
type Object struct {
	Ref
	Operator authority.OperatorID
	Tenant   authority.TenantID
	Case     string
	// MediaType is the type of Body: "application/json", "application/pdf".
	MediaType string
	// Uploader is the principal that stored it.
	Uploader string
	// Committed is false until an event refers to the object; such an object is removed after 24 hours.
	Committed bool
	// Body is the plaintext. It never reaches a log: LogValue redacts it.
	Body []byte
}

// LogValue names the object without its body.
func (o Object) LogValue() slog.Value {
	return slog.GroupValue(slog.String("content_id", string(o.Content)), slog.String("kind", string(o.Kind)))
}
