package demo

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// narrator tells the run in German, one line per step with its time.
type narrator struct {
	out   io.Writer
	names map[authority.ID]string
}

// printf writes to the reader's terminal; one that is gone is no reason to stop.
func (n *narrator) printf(format string, args ...any) { _, _ = fmt.Fprintf(n.out, format, args...) }

func (n *narrator) line(at time.Time, label, format string, args ...any) {
	n.printf("%s  %-14s %s\n", at.Local().Format("15:04:05.000"), label, fmt.Sprintf(format, args...))
}

func (n *narrator) name(a authority.ID) string {
	if name := n.names[a]; name != "" {
		return name
	}
	return string(a)
}

func (n *narrator) start(example string) {
	n.printf("\nEin Gewerbe zieht von Nürnberg nach München und wird einmal angemeldet (GewO § 14, GewAnzV § 3(2a)); Beispiel %s\n\n", example)
}

func (n *narrator) submitted(r client.SubmissionReceipt) {
	n.line(r.ReceivedAt, "Eingang", "Gewerbeanmeldung geprüft, versiegelt und quittiert: Vorgang %s, Quittung %s… (Schlüssel %s)", r.CaseId, r.Receipt.Hash[:12], r.Receipt.Key)
}

// event shows one event of a case.
func (n *narrator) event(r *Report, c *CaseReport, e event.Recorded) {
	city := "München"
	if c != r.Registration {
		city = "Nürnberg"
	}
	if label, text := n.words(c, e); label != "" {
		n.line(e.Time, label, "%s: %s", city, text)
	}
}

func (n *narrator) words(c *CaseReport, e event.Recorded) (label, text string) {
	switch e.Type {
	case event.TypeCaseSubmitted:
		return "Zuständigkeit", n.competence(c)
	case event.TypeTaskAssigned:
		if t, err := event.Decode[event.TaskAssigned](e); err == nil {
			return "Aufgabe", fmt.Sprintf("„%s“ an %s, Frist %s", t.Step, n.name(t.Authority), due(t))
		}
	case event.TypeTaskCompleted:
		if t, err := event.Decode[event.TaskCompleted](e); err == nil {
			return "Erledigt", fmt.Sprintf("„%s“: %s%s", t.Step, outcome(t.Outcome), opened(t))
		}
	case event.TypeTaskReturned:
		return "Unzuständig", "die Stelle hat sich für unzuständig erklärt; ein Mensch muss entscheiden"
	case event.TypeCaseAcknowledged:
		return "Bescheinigung", "Empfang bescheinigt (GewO § 15(1))"
	case event.TypeContentAnnounced:
		if a, err := event.Decode[event.ContentAnnounced](e); err == nil {
			return "Ankündigung", n.name(a.Authority)
		}
	case event.TypeDisclosureRecorded:
		if x, err := event.Decode[event.DisclosureRecorded](e); err == nil {
			return "Abruf", n.name(x.Authority) + " erhält seine Felder; Entscheidung vorher protokolliert"
		}
	case event.TypeCaseClosed:
		return "Abschluss", fmt.Sprintf("Verfahren beendet, %d Empfänger angekündigt", len(c.Announced))
	}
	return "", ""
}

func (n *narrator) competence(c *CaseReport) string {
	text := n.name(c.Lead) + " führt das Verfahren"
	i := slices.IndexFunc(c.Parties, func(p authority.Party) bool { return p.Role == authority.Previous })
	if i < 0 {
		return text
	}
	return text + ", bisher zuständig war " + n.name(c.Parties[i].Authority)
}

func due(t event.TaskAssigned) string {
	when := "unverzüglich"
	if t.Deadline.Due != nil {
		when = inBerlin(*t.Deadline.Due)
	}
	return when + " (" + german(t.Deadline.LegalBasis) + ")"
}

// inBerlin shows an instant in the zone in which German law counts days, whatever the zone of the machine.
func inBerlin(at time.Time) string {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return at.UTC().Format("02.01.2006, 15:04 MST")
	}
	local, zone := at.In(berlin), "MEZ"
	if local.IsDST() {
		zone = "MESZ"
	}
	return local.Format("02.01.2006, 15:04 ") + zone
}

// german renders a norm as German readers cite it.
func german(norm string) string {
	return strings.NewReplacer(" no. ", " Nr. ", " s. ", " S. ").Replace(norm)
}

func outcome(code string) string {
	switch code {
	case "registered":
		return "eingetragen, Empfangsbescheinigung und Aktenzeichen hinterlegt"
	case "deregistered":
		return "abgemeldet"
	}
	return code
}

func opened(t event.TaskCompleted) string {
	if t.Opened == "" {
		return ""
	}
	return ", dazu Vorgang " + t.Opened + " (Gewerbeabmeldung, von Amts wegen aus Register und Anzeige)"
}

func (n *narrator) status(c procedure.Case) {
	n.line(time.Now(), "Status", "Vorgang %s: %s", c.ID, c.Status)
}

func (n *narrator) disclosures(c *CaseReport) {
	n.printf("\nÜbermittlungen in Vorgang %s (%s)\n", c.ID, n.name(c.Lead))
	for _, x := range c.Disclosures {
		n.printf("  %s  %-58s %2d Felder  %-15s %s\n      Felder %s\n      Richtlinie %.19s…, Entscheidung %s\n",
			x.DecidedAt.Local().Format("15:04:05.000"), x.RecipientName, len(x.Fields), x.Purpose, german(x.LegalBasis), numbers(x.Fields), x.PolicyRevision, x.Decision)
	}
}

// numbers shortens field ids to the numbers of the form.
func numbers(fields []string) string {
	out := make([]string, len(fields))
	for i, f := range fields { // in the order of the form
		_, out[i], _ = strings.Cut(f, ".")
	}
	return strings.Join(out, " ")
}

func (n *narrator) explanation(sentence string) {
	n.printf("\nEine Entscheidung in einem Satz\n  %s\n", sentence)
}

func (n *narrator) refused(who, sentence string) {
	n.printf("\nEine abgelehnte Anfrage (%s)\n  %s\n", who, sentence)
}

func (n *narrator) verified(v client.Verification) {
	state := "gültig"
	if !v.Valid {
		state = "UNGÜLTIG: " + strings.Join(v.Problems, "; ")
	}
	n.printf("\nQuittungen\n  %d Quittungen in %d Vorgängen: %s\n", v.Receipts, v.Cases, state)
}

func (n *narrator) summary(r Report) {
	n.printf("\nVon der Anmeldung bis COMPLETED in beiden Vorgängen: %d ms\n", r.Took.Milliseconds())
	if len(r.Missing) > 0 {
		n.printf("NICHT GESEHEN: %s\n", strings.Join(r.Missing, "; "))
	}
}
