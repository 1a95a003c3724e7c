package demo_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/adapters/backoffice/backofficetest"
	"github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
)

func offices(t *testing.T, s backofficetest.Server, state, dir string) *demo.Offices {
	t.Helper()
	o, err := demo.New(demo.Config{
		API: s.API, Issuer: s.Issuer.URL, State: state, Dir: dir,
		Authorities: []authority.Authority{
			{ID: "eichamt-bayern", Kind: "weights_and_measures", Roles: []authority.Role{"weights_and_measures"}},
			{ID: "bauamt-muenchen", Kind: "building_authority"},
		},
		Credentials: func(id authority.ID) (client.Credentials, error) {
			if id != "eichamt-bayern" {
				t.Errorf("%s has no role and needs no key", id)
			}
			return s.Credentials, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// arrived waits until a delivery is accepted.
func arrived(t *testing.T, s backofficetest.Server, id string) {
	t.Helper()
	if err := s.Await(t.Context(), id, delivery.Accepted); err != nil {
		t.Fatal(err)
	}
}

func announce(s backofficetest.Server) delivery.Item {
	ref := s.Put(backofficetest.Content{
		Ref:  content.Ref{Content: content.ID(uuid.NewString()), Kind: content.Application, Form: "gewa1"},
		Body: []byte(`{"reason":"relocation_from_other_district"}`),
	})
	return s.Announce(delivery.Item{Contents: []content.Ref{ref}})
}

func TestOfficesWorkOverHTTPAndGoOnAfterARestart(t *testing.T) {
	t.Parallel()
	s := backofficetest.Serve(t, "eichamt-bayern")
	state, dir := t.TempDir(), t.TempDir()
	for range 2 {
		o := offices(t, s, state, dir)
		item := announce(s)
		if err := o.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		arrived(t, s, item.ID)
		if err := o.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "eichamt-bayern", item.ID+".json")); err != nil {
			t.Error(err)
		}
	}
}

func TestOfficesStartAndStopInAnyOrder(t *testing.T) {
	t.Parallel()
	s := backofficetest.Serve(t, "eichamt-bayern")
	o := offices(t, s, t.TempDir(), "")
	for _, step := range []func(context.Context) error{
		o.Stop, o.Start, o.Start, o.Stop, o.Stop, o.Start, o.Stop, o.Start, o.Start, o.Stop,
	} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	arrived(t, s, announce(s).ID)
	if err := o.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestOfficesNeedKeysAndAPlaceForTheirJournals(t *testing.T) {
	t.Parallel()
	if _, err := demo.New(demo.Config{}); contracts.KindOf(err) != contracts.Invalid {
		t.Errorf("got %v, want invalid", err)
	}
}
