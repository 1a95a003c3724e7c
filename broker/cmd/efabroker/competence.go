package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/argument"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

// place are the flags of competence find.
type place struct{ service, region, ags, postcode string }

func (s *session) competenceCommand() *cobra.Command {
	var f place
	find := s.command("find", "Find who answers for a service in a place", func(ctx context.Context, _ []string) error {
		return s.findCompetence(ctx, f)
	})
	find.Long = find.Short + ".\n\nA postcode lists every area that it touches; nothing is guessed."
	find.Flags().StringVar(&f.service, "service", "", "service key; without it every service's answer is shown")
	find.Flags().StringVar(&f.region, "region", "", "region key (ARS, 12 digits)")
	find.Flags().StringVar(&f.ags, "ags", "", "municipality key (AGS, 8 digits), converted by the dated table")
	find.Flags().StringVar(&f.postcode, "postcode", "", "postcode, 5 digits")
	return group("competence", "Competence: who answers where", find)
}

func (s *session) findCompetence(ctx context.Context, f place) error {
	given := 0
	for _, v := range []string{f.region, f.ags, f.postcode} {
		if v != "" {
			given++
		}
	}
	if given != 1 {
		return failure.Usage("for example: efabroker competence find --postcode 80331", "want one of --region, --ags and --postcode")
	}
	api, err := s.operator()
	if err != nil {
		return err
	}
	got, err := api.FindCompetenceWithResponse(ctx, &client.FindCompetenceParams{
		Service: argument.Optional(f.service), Region: argument.Optional(f.region), Ags: argument.Optional(f.ags), Postcode: argument.Optional(f.postcode),
	})
	if err != nil {
		return err
	}
	page, err := client.Value(got, got.JSON200)
	if err != nil {
		return err
	}
	p := s.printer()
	if p.JSON {
		if page.Areas == nil {
			page.Areas = []client.Area{}
		}
		return p.Object(page.Areas)
	}
	return p.Lines(areaLines(page.Areas)...)
}

// areaLines is one block per candidate area.
func areaLines(areas []client.Area) []string {
	if len(areas) == 0 {
		return []string{"no area is known"}
	}
	var lines []string
	for i, a := range areas {
		if i > 0 {
			lines = append(lines, "")
		}
		head := a.Region + "  " + a.Name + ", " + a.State
		if !a.Route {
			head += "  (no route: no lead authority is known)"
		}
		lines = append(lines, head)
		rows := make([][]string, 0, len(a.Competences))
		for _, c := range a.Competences {
			rows = append(rows, []string{c.Role, c.Authority, c.Name})
		}
		for _, row := range output.Table(rows) {
			lines = append(lines, "  "+strings.TrimRight(row, " "))
		}
	}
	return lines
}
