package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// The case that the demo plays, and the clients that it uses.
const (
	Registration key.ServiceKey = "99050012104000"
	// NewSeat is München, where the notice is filed.
	NewSeat = "091620000000"

	// firstExample is the example for which the number of recipients is known.
	firstExample = "01-einzelkauffrau.json"

	// stranger is an authority that is on no list.
	stranger = "bauamt-muenchen"
)

// Config says against which broker the demo runs.
type Config struct {
	// API is the broker's base URL, Issuer the URL of its OpenID provider.
	API, Issuer string
	// Operator and Portal are the clients as which the demo looks and files. Default to operator-bayern and portal-bayern.
	Operator, Portal string
	// Credentials are the machine credentials of the portal, the operator and the stranger.
	Credentials func(id string) (client.Credentials, error)
	// Example names one of the example applications of the registration. Defaults to the first.
	Example string
	// Application replaces the example.
	Application map[string]any
	// Out is where the steps are shown.
	Out io.Writer
	// Patience is how long each wait may take. Defaults to 60 seconds.
	Patience time.Duration
	Log      *slog.Logger
}

// Demo is one run.
type Demo struct {
	cfg      Config
	portal   *client.ClientWithResponses
	operator *client.ClientWithResponses
	stranger *client.ClientWithResponses
	names    map[authority.ID]string
	show     *narrator
	events   chan seen
}

// Run plays the case and returns what was seen. An error means that a step could not be taken; Report.Missing lists
// steps that were not seen.
func Run(ctx context.Context, cfg Config) (Report, error) {
	if cfg.Patience == 0 {
		cfg.Patience = time.Minute
	}
	cfg.Operator, cfg.Portal = cmp.Or(cfg.Operator, "operator-bayern"), cmp.Or(cfg.Portal, "portal-bayern")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the tails
	d := &Demo{cfg: cfg, events: make(chan seen)}
	if err := d.open(ctx); err != nil {
		return Report{}, err
	}
	var r Report
	for _, step := range []func(context.Context, *Report) error{d.submit, d.follow, d.status, d.fetches, d.disclosures, d.refusal, d.verify} {
		if err := step(ctx, &r); err != nil {
			return r, err
		}
	}
	r.check()
	d.show.summary(r)
	return r, nil
}

func (d *Demo) open(ctx context.Context) error {
	for id, target := range map[string]**client.ClientWithResponses{d.cfg.Portal: &d.portal, d.cfg.Operator: &d.operator, stranger: &d.stranger} {
		credentials, err := d.cfg.Credentials(id)
		if err != nil {
			return fmt.Errorf("read credentials of %s: %w", id, err)
		}
		if *target, err = client.Open(client.Config{API: d.cfg.API, Issuer: d.cfg.Issuer, Credentials: credentials}); err != nil {
			return fmt.Errorf("open client %s: %w", id, err)
		}
	}
	answer, err := d.operator.ListAuthoritiesWithResponse(ctx)
	if err != nil {
		return fmt.Errorf("list authorities: %w", err)
	}
	list, err := client.Value(answer, answer.JSON200)
	if err != nil {
		return fmt.Errorf("list authorities: %w", err)
	}
	d.names = map[authority.ID]string{}
	for _, a := range list.Authorities {
		d.names[a.ID] = a.Name
	}
	d.show = &narrator{out: d.cfg.Out, names: d.names}
	return nil
}

// application is the notice that the owner files.
func (d *Demo) application() (map[string]any, string, error) {
	if d.cfg.Application != nil {
		return d.cfg.Application, d.cfg.Example, nil
	}
	return Example(d.cfg.Example)
}

// Example reads an example application of the registration by its file name, the first one without a name. A name that
// there is not is Invalid, and the error lists those that there are.
func Example(name string) (map[string]any, string, error) {
	packages, err := service.Load()
	if err != nil {
		return nil, "", err
	}
	i := slices.IndexFunc(packages, func(p service.Package) bool { return p.Service == Registration })
	if i < 0 {
		return nil, "", contracts.Errorf(contracts.Internal, "find example", "no package %s", Registration)
	}
	if name == "" {
		name = slices.Sorted(maps.Keys(packages[i].Examples))[0]
	}
	raw, ok := packages[i].Examples[name]
	if !ok {
		return nil, "", contracts.Errorf(contracts.Invalid, "find example", "no example %q; there are %q", name, slices.Sorted(maps.Keys(packages[i].Examples)))
	}
	var app map[string]any
	if err := json.Unmarshal(raw, &app); err != nil {
		return nil, "", fmt.Errorf("read example %s: %w", name, err)
	}
	return app, name, nil
}

// submit files the notice as the portal does.
func (d *Demo) submit(ctx context.Context, r *Report) error {
	app, name, err := d.application()
	if err != nil {
		return err
	}
	r.Example = name
	d.show.start(name)
	body := client.Submission{SubmissionId: "demo-" + uuid.NewString(), Service: string(Registration), Region: NewSeat, Application: app}
	r.SubmittedAt = time.Now()
	answer, err := d.portal.SubmitApplicationWithResponse(ctx, body)
	if err != nil {
		return fmt.Errorf("submit the notice: %w", err)
	}
	receipt, err := client.Value(answer, answer.JSON201)
	if err != nil {
		return fmt.Errorf("submit the notice: %w", err)
	}
	r.Registration = &CaseReport{ID: receipt.CaseId}
	r.Acknowledged = receipt.Receipt.Signature != ""
	d.show.submitted(receipt)
	return nil
}

// status waits until both cases of the owner read COMPLETED, as the portal sees them.
func (d *Demo) status(ctx context.Context, r *Report) error {
	for _, c := range r.cases() {
		found, err := d.awaitCompleted(ctx, c.ID)
		if err != nil {
			return err
		}
		c.Completed = found.Status == procedure.Completed
		d.show.status(found)
	}
	r.Took = time.Since(r.SubmittedAt)
	return nil
}

func (d *Demo) awaitCompleted(ctx context.Context, id string) (procedure.Case, error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Patience)
	defer cancel()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		answer, err := d.portal.GetCaseWithResponse(ctx, uuid.MustParse(id))
		if err != nil {
			return procedure.Case{}, fmt.Errorf("look at case %s: %w", id, err)
		}
		found, err := client.Value(answer, answer.JSON200)
		if err != nil || found.Status == procedure.Completed {
			return found, err
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return found, nil
		}
	}
}

// disclosures lists what left, and explains one decision.
func (d *Demo) disclosures(ctx context.Context, r *Report) error {
	for _, c := range r.cases() {
		list, err := d.list(ctx, c.ID)
		if err != nil {
			return err
		}
		c.Disclosures = nil
		for _, x := range list {
			if x.Outcome != decision.Refuse {
				c.Disclosures = append(c.Disclosures, x)
			}
		}
		d.show.disclosures(c)
	}
	i := slices.IndexFunc(r.Registration.Disclosures, func(x decision.Disclosure) bool { return x.Outcome == decision.Partial && len(x.Fields) < 12 })
	if i < 0 {
		return nil
	}
	sentence, err := d.explain(ctx, r.Registration.Disclosures[i].Decision)
	if err != nil {
		return err
	}
	r.Explanation = sentence
	d.show.explanation(sentence)
	return nil
}

func (d *Demo) explain(ctx context.Context, id string) (string, error) {
	answer, err := d.operator.ExplainDecisionWithResponse(ctx, uuid.MustParse(id))
	if err != nil {
		return "", fmt.Errorf("explain decision %s: %w", id, err)
	}
	e, err := client.Value(answer, answer.JSON200)
	return e.De, err
}

func (d *Demo) list(ctx context.Context, caseID string) ([]decision.Disclosure, error) {
	var out []decision.Disclosure
	id := uuid.MustParse(caseID)
	params := &client.ListDisclosuresParams{CaseId: &id}
	for {
		answer, err := d.operator.ListDisclosuresWithResponse(ctx, params)
		if err != nil {
			return nil, fmt.Errorf("list disclosures: %w", err)
		}
		page, err := client.Value(answer, answer.JSON200)
		if err != nil {
			return nil, fmt.Errorf("list disclosures: %w", err)
		}
		out = append(out, page.Disclosures...)
		if page.Next == nil {
			return out, nil
		}
		params.After = page.Next
	}
}

// refusal lets a stranger ask, who must get nothing and leave a record.
func (d *Demo) refusal(ctx context.Context, r *Report) error {
	_, err := d.stranger.FetchContentWithResponse(ctx, uuid.MustParse(r.Registration.Content), client.FetchRequest{
		Fields: []string{"gewa1.1", "gewa1.4", "gewa1.11"}, Purpose: "notice.inform", Basis: "eu-gdpr:A6-1-c",
	})
	if contracts.KindOf(err) != contracts.NotFound || err == nil {
		return fmt.Errorf("the building authority must get nothing, the broker answered: %w", err)
	}
	list, err := d.list(ctx, r.Registration.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(x decision.Disclosure) bool { return x.Outcome == decision.Refuse && x.Recipient == stranger })
	if i < 0 {
		return nil
	}
	r.Refused = true
	sentence, err := d.explain(ctx, list[i].Decision)
	if err != nil {
		return err
	}
	d.show.refused(d.names[stranger], sentence)
	return nil
}

// verify checks every receipt of the ledger.
func (d *Demo) verify(ctx context.Context, r *Report) error {
	answer, err := d.operator.VerifyLedgerWithResponse(ctx)
	if err != nil {
		return fmt.Errorf("verify the ledger: %w", err)
	}
	v, err := client.Value(answer, answer.JSON200)
	if err != nil {
		return fmt.Errorf("verify the ledger: %w", err)
	}
	r.Verified, r.Receipts = v.Valid, v.Receipts
	d.show.verified(v)
	return nil
}
