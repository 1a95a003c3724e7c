package intake

import (
	"context"
	"fmt"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// checked is a submission that may be accepted.
type checked struct {
	pkg       service.Package
	region    key.RegionKey
	facts     fact.Values
	parties   []authority.Party
	lead      authority.Authority
	received  event.Reception
	completes *event.Draft // the other case's task.completed, when this submission completes a task
}

// forwardedOnly is the OpenedBy of a package that is opened by completing a task, never by an applicant.
const forwardedOnly = "forwarded_notice"

// check refuses a submission whole, with every fault that can be told at once.
func (in *Intake) check(ctx context.Context, v actor.Viewer, s received) (checked, error) {
	c, err := in.checkForm(s)
	if err != nil {
		return c, err
	}
	if err := in.checkOrigin(ctx, v, s, &c); err != nil {
		return c, err
	}
	if err := in.derive(s, &c); err != nil {
		return c, err
	}
	return c, in.route(ctx, v, s, &c)
}

// checkForm checks service, region and application, and lists all their faults together.
func (in *Intake) checkForm(s received) (checked, error) {
	var c checked
	var problems []contracts.Problem
	k, err := key.ParseServiceKey(s.Service)
	if err != nil {
		problems = append(problems, contracts.Problem{Pointer: "/service", Detail: err.Error()})
	} else if pkg, ok := in.cfg.Services.Package(k); ok {
		c.pkg = pkg
	} else {
		problems = append(problems, contracts.Problem{Pointer: "/service", Detail: "no service with this key is offered here"})
	}
	c.region, err = key.ParseRegionKey(s.Region)
	switch {
	case err != nil || len(s.Region) != 12:
		problems = append(problems, contracts.Problem{Pointer: "/region", Detail: "want the 12-digit regional key (ARS) of the municipality; an AGS is never padded"})
	default:
		if _, ok := in.cfg.Register.Area(c.region); !ok {
			problems = append(problems, contracts.Problem{Pointer: "/region", Detail: "no municipality of the official register has this key"})
		}
	}
	if c.pkg.Service != "" {
		problems = append(problems, inApplication(c.pkg.Validate(s.body))...)
	}
	if len(problems) > 0 {
		return c, contracts.Refuse(contracts.Invalid, "check submission", problems...)
	}
	return c, nil
}

// admit checks that the caller may open cases at all: a portal by filing, an authority by completing a task.
func (in *Intake) admit(ctx context.Context, v actor.Viewer, s Submission) error {
	if s.Completes == nil {
		return in.gate.Collection(ctx, v, decision.CaseSubmit)
	}
	if err := in.gate.Relation(ctx, v, decision.CaseForward, decision.Holder); err != nil {
		return err
	}
	if s.SubmissionId != s.Completes.TaskId {
		return contracts.Refuse(contracts.Invalid, "check submission", contracts.Problem{
			Pointer: "/submission_id",
			Detail:  "a submission that completes a task has the id of that task, so that a repeat gets its receipt",
		})
	}
	return nil
}

// checkOrigin checks how a case of this service may be opened: by an applicant, or by completing a task that waits for it.
func (in *Intake) checkOrigin(ctx context.Context, v actor.Viewer, s received, c *checked) error {
	if s.Completes == nil {
		if c.pkg.OpenedBy == forwardedOnly {
			return contracts.Refuse(contracts.Invalid, "check submission", contracts.Problem{
				Pointer: "/completes",
				Detail:  "this service is opened only by the authority that completes a forwarded notice's task",
			})
		}
		return nil
	}
	draft, opens, err := in.cfg.Tasks.Completable(ctx, v, s.Completes.CaseId.String(), s.Completes.TaskId)
	if err != nil {
		return err
	}
	if opens != c.pkg.Service {
		return contracts.Refuse(contracts.Conflict, "complete task by submission", contracts.Problem{
			Pointer: "/service",
			Detail:  "this task is not completed by a submission of this service",
		})
	}
	c.completes = &draft
	return nil
}

func (in *Intake) derive(s received, c *checked) error {
	facts, err := c.pkg.Derive(s.Application)
	if err != nil {
		return contracts.Errorf(contracts.Invalid, "derive facts", "%w", err)
	}
	if err := fact.Check(c.pkg.Facts, facts); err != nil {
		return contracts.Errorf(contracts.Internal, "check derived facts", "%w", err)
	}
	c.facts = facts
	return nil
}

// route finds the authority of every role. Without a lead authority, or without one for a region that the application
// itself names, there is no route; nothing is ever guessed. A statutory recipient that nobody fills is left out.
func (in *Intake) route(ctx context.Context, v actor.Viewer, s received, c *checked) error {
	regions, err := c.pkg.Regions(s.Application, c.region)
	if err != nil {
		return contracts.Refuse(contracts.Invalid, "find regions of the roles", inApplication(contracts.ProblemsOf(err))...)
	}
	competent, err := in.cfg.Competence.ResolveAll(ctx, v.Operator, c.pkg.Service, regions)
	if err != nil {
		return fmt.Errorf("find authorities for the roles: %w", err)
	}
	for _, role := range c.pkg.Roles {
		if _, wanted := regions[role]; !wanted {
			continue
		}
		found, ok := competent[role]
		switch {
		case !ok && role != authority.Lead && role != authority.Previous:
			in.cfg.Log.WarnContext(ctx, "no authority for a role", "service", c.pkg.Service, "role", role)
			continue
		case !ok:
			return contracts.Errorf(contracts.NotCompetent, "find authority for role "+string(role), "no route: no authority answers for it there")
		}
		if role == authority.Lead {
			c.lead = found
		}
		if role == authority.Previous && found.ID == c.lead.ID {
			return contracts.Refuse(contracts.Invalid, "find previous authority", contracts.Problem{
				Pointer: "/region",
				Detail:  "the former place lies in the same district; a move inside a district is another notice (GewO § 14(1) s. 2 no. 1)",
			})
		}
		c.parties = append(c.parties, authority.Party{Role: role, Authority: found.ID})
	}
	if c.lead.ID == "" {
		return contracts.Errorf(contracts.NotCompetent, "find lead authority", "service %s has no lead authority in this region", c.pkg.Service)
	}
	if c.completes != nil && c.lead.ID != v.Authority {
		return contracts.Refuse(contracts.Invalid, "complete task by submission", contracts.Problem{
			Pointer: "/region",
			Detail:  "the own authority is not the lead authority of this region",
		})
	}
	return nil
}

// inApplication moves problems found in an application to where it stands in the request.
func inApplication(problems []contracts.Problem) []contracts.Problem {
	out := make([]contracts.Problem, len(problems))
	for i, p := range problems {
		out[i] = contracts.Problem{Pointer: "/application" + p.Pointer, Detail: p.Detail}
	}
	return out
}
