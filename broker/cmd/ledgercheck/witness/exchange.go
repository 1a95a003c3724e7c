package witness

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// Exchange is one line of a recipient: what it asked and what it got. Status 0 says that no answer came.
type Exchange struct {
	At int64 `json:"at_ns"`
	// Began is when the request was sent, by a clock that all recipients share; 0 when it is not known or they share none.
	Began     int64  `json:"began_ns,omitempty"`
	Authority string `json:"authority"`
	Method    string `json:"method"`
	Path      string `json:"path"`
	Status    int    `json:"status"`
	// Sent holds the bytes of a request that decides something.
	Sent []byte `json:"sent,omitempty"`
	// Body holds the bytes of the answer, SHA256 their digest in hex.
	Body   []byte `json:"body,omitempty"`
	SHA256 string `json:"sha256"`

	Place Place `json:"-"`
}

// Exchanges reads the file of recipients.
func Exchanges(path string) ([]Exchange, error) {
	var out []Exchange
	var c clock
	err := lines(path, func(at Place, l *Exchange) error {
		l.Place = at
		if l.Authority == "" || l.Method == "" || !strings.HasPrefix(l.Path, "/") {
			return errors.New("authority, method and path are required")
		}
		if sum := sha256.Sum256(l.Body); hex.EncodeToString(sum[:]) != l.SHA256 {
			return errors.New("body does not have this sha256")
		}
		if l.Began > l.At {
			return errors.New("began_ns is behind at_ns")
		}
		if err := c.at(l.At); err != nil {
			return err
		}
		out = append(out, *l)
		return nil
	})
	return out, err
}

// Item is what an inbox shows of one delivery.
type Item struct {
	Cursor    string `json:"cursor"`
	Delivery  string `json:"delivery_id"`
	Event     string `json:"event_id"`
	Case      string `json:"case_id"`
	Sequence  int64  `json:"sequence"`
	Authority string `json:"authority"`
}

// Items are those of an answer to a read of the inbox; the second result is false for any other exchange.
func (e Exchange) Items() ([]Item, bool) {
	if e.Method != http.MethodGet || e.route() != "/v1/inbox" || e.Status != 200 {
		return nil, false
	}
	var page struct {
		Items []Item `json:"items"`
	}
	return page.Items, json.Unmarshal(e.Body, &page) == nil
}

// Fetched is what came with a content.
type Fetched struct {
	Content    string   `json:"content_id"`
	Case       string   `json:"case_id"`
	Disclosure string   `json:"disclosure_id"`
	Decision   string   `json:"decision_id"`
	Outcome    string   `json:"outcome"`
	Released   []string `json:"released"`
}

// Fetched is the answer to a fetch that released something; the second result is false for any other exchange.
func (e Exchange) Fetched() (Fetched, bool) {
	var f Fetched
	if e.Method != http.MethodPost || !strings.HasPrefix(e.Path, "/v1/contents/") || !strings.HasSuffix(e.route(), "/fetch") || e.Status != 200 {
		return f, false
	}
	return f, json.Unmarshal(e.Body, &f) == nil
}

// Opened is the case that a submission of the recipient opened; empty for any other exchange.
func (e Exchange) Opened() string {
	if e.Method != http.MethodPost || e.route() != "/v1/submissions" || e.Status != 200 && e.Status != 201 {
		return ""
	}
	var r struct {
		Case string `json:"case_id"`
	}
	_ = json.Unmarshal(e.Body, &r) // an answer that does not read names no case
	return r.Case
}

func (e Exchange) route() string {
	path, _, _ := strings.Cut(e.Path, "?")
	return path
}
