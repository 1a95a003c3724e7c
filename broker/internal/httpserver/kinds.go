package httpserver

import (
	"net/http"

	"github.com/efa-broker/efa-broker/contracts"
)

// answer is how a kind of error is told to a caller: everything that depends on the kind alone.
type answer struct {
	status int
	title  string
	hint   string
}

// answerOf is the table kind → HTTP status, title and hint. There is no other place where a status is chosen, besides
// 405, which is about the route and not about an error of a domain.
func answerOf(k contracts.Kind) answer {
	switch k {
	case contracts.Invalid:
		return answer{
			http.StatusBadRequest, "Die Anfrage entspricht nicht der Vereinbarung. / The request does not match the contract.",
			"Mend what the problems name and send the request again.",
		}
	case contracts.Unauthenticated:
		return answer{
			http.StatusUnauthorized, "Anmeldung fehlt oder gilt nicht. / Authentication is missing or not valid.",
			"Get a new access token from the OpenID provider and send it as bearer token.",
		}
	case contracts.Denied:
		return answer{
			http.StatusForbidden, "Das ist Ihnen nicht erlaubt. / You may not do this.",
			"Ask the operator which role this needs.",
		}
	case contracts.NotFound:
		return answer{
			http.StatusNotFound, "Das gibt es hier nicht. / There is no such thing here.",
			"Check the address and the id; what is not yours is answered in the same way.",
		}
	case contracts.Conflict:
		return answer{
			http.StatusConflict, "Das widerspricht dem, was schon verzeichnet ist. / This contradicts what is already recorded.",
			"Read the present state first; a repeat with the same id must have the same body.",
		}
	case contracts.NotCompetent:
		return answer{
			http.StatusUnprocessableEntity, "Für diese Leistung und diesen Ort ist keine Behörde bekannt. / No authority is known for this service and region.",
			"Check service and region; GET /v1/competences shows where the service has a route.",
		}
	case contracts.TooLarge:
		return answer{
			http.StatusRequestEntityTooLarge, "Der Inhalt ist zu groß. / The content is too large.",
			"Store attachments on their own with PUT /v1/contents/{content_id}; limits are in the documentation.",
		}
	case contracts.Unsupported:
		return answer{
			http.StatusUnsupportedMediaType, "Dieses Format wird nicht verstanden. / This format is not understood.",
			"Send one of the media types of the OpenAPI document, without content encoding, in UTF-8.",
		}
	case contracts.Unavailable:
		return answer{
			http.StatusServiceUnavailable, "Gerade nicht möglich, bitte später erneut. / Not possible right now, please try again later.",
			"Repeat the same request after the time in Retry-After; it is safe to repeat.",
		}
	case contracts.Internal:
		return internalAnswer()
	}
	return internalAnswer()
}

func internalAnswer() answer {
	return answer{
		http.StatusInternalServerError, "Im Broker ist ein Fehler aufgetreten. / The broker met a fault of its own.",
		"Tell the operator the error id.",
	}
}
