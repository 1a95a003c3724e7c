package backofficetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/delivery"
)

func fetchReleases(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	ref := notice(s)
	got, err := p.Fetch(t.Context(), ref, ask("gewa1.22", "gewa1.1"))
	ok(t, err)
	if got.Content != ref.Content || got.Form != "gewa1" || got.Outcome != decision.Release || got.Case == "" ||
		got.Decision == "" || got.Disclosure == "" {
		t.Errorf("the answer does not say what it is: %+v", got)
	}
	if diff := cmp.Diff([]string{"gewa1.1", "gewa1.22"}, got.Released); diff != "" {
		t.Error(diff)
	}
	if !same(got.Body, []byte(`{"amount":12345678901234567890.10,"name":"Müller \u0026 Söhne \u003cGbR\u003e"}`)) {
		t.Errorf("content arrived as %s", got.Body)
	}
	again, err := p.Fetch(t.Context(), ref, ask("gewa1.22", "gewa1.1"))
	ok(t, err)
	if again.Disclosure != got.Disclosure || again.Decision == got.Decision {
		t.Error("a repeated fetch is not a new decision under the same disclosure")
	}
}

func fetchWithholds(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	c := Content{
		Ref:  content.Ref{Content: contentID, Kind: content.Application, Form: "gewa1"},
		Body: []byte(`{"a":1,"b":2}`), Properties: map[string]string{"gewa1.1": "a", "gewa1.13": "b"},
		Withheld: map[string][]string{"gewa1.13": {"law.field"}},
	}
	got, err := p.Fetch(t.Context(), s.Put(c), ask("gewa1.1", "gewa1.13"))
	ok(t, err)
	if diff := cmp.Diff(c.Withheld, got.Withheld); diff != "" {
		t.Error(diff)
	}
	if got.Outcome != decision.Partial || !same(got.Body, []byte(`{"a":1}`)) {
		t.Errorf("got %s %s, want partial without the withheld field", got.Outcome, got.Body)
	}
}

func fetchRefused(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	ref := s.Put(Content{
		Ref:  content.Ref{Content: contentID, Kind: content.Application, Form: "gewa1"},
		Body: []byte(`{"a":1}`), Withheld: map[string][]string{"gewa1.1": {"law.row"}},
	})
	_, refused := p.Fetch(t.Context(), ref, ask("gewa1.1"))
	want(t, refused, contracts.NotFound)
	ref.Content = "aaaaaaaa-0000-4000-8000-000000000000"
	_, unknown := p.Fetch(t.Context(), ref, ask("gewa1.1"))
	want(t, unknown, contracts.NotFound)
	if refused.Error() != unknown.Error() {
		t.Errorf("%q and %q can be told apart", refused, unknown)
	}
}

func confirmReadable(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	ref := notice(s)
	item := s.Announce(delivery.Item{Contents: []content.Ref{ref}})
	_, err := p.Fetch(t.Context(), ref, ask("gewa1.1"))
	ok(t, err)
	ok(t, p.Confirm(t.Context(), item.ID, ""))
	ok(t, p.Confirm(t.Context(), item.ID, ""))
	want(t, p.Confirm(t.Context(), item.ID, delivery.Undecodable), contracts.Conflict)
	if state, why := s.State(item.ID); state != delivery.Accepted || why != "" {
		t.Errorf("delivery is %s %s, want accepted", state, why)
	}
}

func confirmUnreadable(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	for _, reason := range delivery.Rejections() {
		item := s.Announce(delivery.Item{})
		ok(t, p.Confirm(t.Context(), item.ID, reason))
		ok(t, p.Confirm(t.Context(), item.ID, reason))
		if state, why := s.State(item.ID); state != delivery.Rejected || why != reason {
			t.Errorf("delivery is %s %s, want rejected %s", state, why, reason)
		}
	}
}

func confirmUnfetched(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	item := s.Announce(delivery.Item{})
	want(t, p.Confirm(t.Context(), item.ID, ""), contracts.Conflict)
	want(t, p.Confirm(t.Context(), "aaaaaaaa-0000-4000-8000-000000000000", ""), contracts.NotFound)
}
