package witness

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Object is something that is decided once: a task by its outcome, a delivery by whether it could be read.
type Object struct {
	Kind ObjectKind
	ID   string
}

// ObjectKind says what an object is.
type ObjectKind string

// The kinds of objects.
const (
	Task     ObjectKind = "task"
	Delivery ObjectKind = "delivery"
)

// Decision is what an object was decided to be; empty while it is open. That of a completed task names its outcome.
type Decision string

// Completed is the decision of a task that was given an outcome.
func Completed(outcome string) Decision { return Decision("completed: " + outcome) }

// The other decisions.
const (
	NotCompetent Decision = "not_competent"
	Accepted     Decision = "accepted"
	Rejected     Decision = "rejected"
)

// Asked is what the recipient wanted an object to be; false for any exchange that decides nothing. The decision is empty
// when what was sent is not known.
func (e Exchange) Asked() (Object, Decision, bool) {
	path, sent := strings.Split(strings.Trim(e.route(), "/"), "/"), outcome{}
	if e.Method != http.MethodPost || len(path) != 4 || path[0] != "v1" {
		return Object{}, "", false
	}
	switch path[1] + " " + path[3] {
	case "tasks outcome":
		if json.Unmarshal(e.Sent, &sent) != nil || sent.Outcome == "" {
			return Object{Task, path[2]}, "", true
		}
		return Object{Task, path[2]}, Completed(sent.Outcome), true
	case "tasks not-competent":
		return Object{Task, path[2]}, NotCompetent, true
	case "deliveries accept":
		return Object{Delivery, path[2]}, Accepted, true
	case "deliveries reject":
		return Object{Delivery, path[2]}, Rejected, true
	}
	return Object{}, "", false
}

type outcome struct {
	Outcome string `json:"outcome"`
}

// Shown is what the answer to a reading exchange shows, for each object in it.
func (e Exchange) Shown() map[Object]Decision {
	if e.Method != http.MethodGet || e.Status != http.StatusOK {
		return nil
	}
	path := strings.Split(strings.Trim(e.route(), "/"), "/")
	if len(path) < 2 || path[0] != "v1" {
		return nil
	}
	var one shown
	var page struct {
		Items []shown `json:"items"`
		Tasks []shown `json:"tasks"`
	}
	switch {
	case path[1] == "tasks" && len(path) == 3 && json.Unmarshal(e.Body, &one) == nil:
		page.Tasks = []shown{one}
	case path[1] == "tasks" && len(path) == 2, path[1] == "inbox":
		if json.Unmarshal(e.Body, &page) != nil {
			return nil
		}
	}
	out := map[Object]Decision{}
	for _, t := range page.Tasks {
		if decision, known := t.task(); known {
			out[Object{Task, t.Task}] = decision
		}
	}
	for _, d := range page.Items {
		out[Object{Delivery, d.Delivery}] = d.delivery()
	}
	return out
}

// shown is a task or an item of an inbox.
type shown struct {
	outcome
	Task      string `json:"task_id"`
	Delivery  string `json:"delivery_id"`
	Authority string `json:"authority"`
	State     string `json:"state"`
}

// task is the decision of a task. Of another authority's task the outcome is not shown, and a task that was cancelled was
// decided by nobody.
func (s shown) task() (_ Decision, known bool) {
	switch s.State {
	case "assigned":
		return "", true
	case "completed":
		return Completed(s.Outcome), s.Authority != ""
	case "cancelled":
		return "", false
	}
	return Decision(s.State), true
}

func (s shown) delivery() Decision {
	if s.State == "announced" || s.State == "fetched" {
		return ""
	}
	return Decision(s.State)
}
