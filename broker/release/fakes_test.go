package release_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// ledger stands in for the ledger with the same promises: one transaction, dedupe, case_seq, stored results.
type ledger struct {
	db  *sqlstore.DB
	err error
}

func (l *ledger) Append(ctx context.Context, tx *sqlstore.Tx, drafts ...event.Draft) ([]event.Recorded, error) {
	if l.err != nil {
		return nil, l.err
	}
	var out []event.Recorded
	for _, d := range drafts {
		data, err := json.Marshal(d.Data)
		if err != nil {
			return nil, err
		}
		var seq int64
		if err := tx.QueryRowContext(ctx, `update cases set case_seq = case_seq + 1 where id = $1 returning case_seq`, d.Case).Scan(&seq); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `insert into events (case_id, case_seq, engine_seq, id, source, type, operator, tenant, actor, at, data, digest, traceparent)
			values ($1, $2, 0, $3, $4, $5, 'bayern', $6, $7, $8, $9, '', '')`,
			d.Case, seq, d.ID, d.Source, d.Type, d.Tenant, d.Actor.ID, tx.Now(), string(data)); err != nil {
			return nil, err
		}
		out = append(out, event.Recorded{ID: d.ID, Type: d.Type, Case: d.Case, CaseSeq: seq, Data: data})
	}
	return out, nil
}

func (l *ledger) Step(ctx context.Context, cmd engine.Command, fn func(tx *sqlstore.Tx) (engine.Result, error)) (engine.Result, error) {
	var result engine.Result
	err := l.db.Write(ctx, func(tx *sqlstore.Tx) error {
		var text string
		if tx.QueryRowContext(ctx, `select result from step_results where case_id = $1 and step = $2 and pass = $3`, cmd.Case, cmd.Step, cmd.Pass).Scan(&text) == nil {
			return json.Unmarshal([]byte(text), &result)
		}
		var seq int64
		if err := tx.QueryRowContext(ctx, `select engine_seq from cases where id = $1`, cmd.Case).Scan(&seq); err != nil {
			return err
		}
		if seq > cmd.AfterSeq {
			result = engine.Result{Step: cmd.Step, Pass: cmd.Pass, Later: []engine.Event{{EngineSeq: seq}}}
			return nil
		}
		var err error
		if result, err = fn(tx); err != nil {
			return err
		}
		raw, err := json.Marshal(result)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into step_results (case_id, step, pass, engine_seq, result, at) values ($1, $2, $3, $4, $5, $6)`,
			cmd.Case, cmd.Step, cmd.Pass, cmd.AfterSeq, string(raw), tx.Now())
		return err
	})
	return result, err
}

// vault stands in for the vault: content in memory, records sealed with AES-GCM under one key per key id.
type vault struct {
	mu      sync.Mutex
	objects map[content.ID]content.Object
	facts   map[string]fact.Values
	keys    map[string]cipher.AEAD
	loads   int
	sealErr error
	gone    error // the keys of the case were destroyed
}

func newVault() *vault {
	return &vault{objects: map[content.ID]content.Object{}, facts: map[string]fact.Values{}, keys: map[string]cipher.AEAD{}}
}

func (v *vault) put(o content.Object) { v.objects[o.Content] = o }

func (v *vault) Describe(_ context.Context, id content.ID) (content.Object, error) {
	o, ok := v.objects[id]
	if !ok {
		return o, &contracts.Error{Kind: contracts.NotFound, Op: "read content"}
	}
	o.Body = nil
	return o, nil
}

func (v *vault) Load(_ context.Context, id content.ID) (content.Object, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.loads++
	return v.objects[id], v.gone
}

func (v *vault) Contents(_ context.Context, caseID string, kind content.Kind) (out []content.Ref, _ error) {
	for _, o := range v.objects {
		if o.Case == caseID && o.Kind == kind && o.Committed {
			out = append(out, o.Ref)
		}
	}
	return out, nil
}

func (v *vault) Facts(_ context.Context, caseID string) (fact.Values, error) {
	return maps.Clone(v.facts[caseID]), v.gone
}

func (v *vault) SealLog(_ context.Context, tenant authority.TenantID, at time.Time, class string, plaintext, aad []byte) ([]byte, string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.sealErr != nil {
		return nil, "", v.sealErr
	}
	id := "log/" + string(tenant) + "/" + at.Format("2006-01") + "/" + class
	if v.keys[id] == nil {
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, "", err
		}
		if v.keys[id], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, "", err
		}
	}
	return v.keys[id].Seal(nil, nil, plaintext, aad), id, nil
}

func (v *vault) OpenLog(_ context.Context, keyID string, sealed, aad []byte) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys[keyID] == nil {
		return nil, &contracts.Error{Kind: contracts.NotFound, Op: "read key"}
	}
	return v.keys[keyID].Open(nil, nil, sealed, aad)
}

// policy stands in for the policy engine: the same requirements over the same law rows.
type policy struct {
	book     law.Book
	revision string
	mu       sync.Mutex
	asked    []decision.Input
	// before runs before each answer; change alters it.
	before func()
	change func(*decision.Document)
	err    error
}

func (p *policy) Decide(_ context.Context, in decision.Input) (decision.Document, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, in)
	if p.before != nil {
		p.before()
	}
	if p.err != nil {
		return decision.Document{}, p.err
	}
	return p.answer(in)
}

func (p *policy) Replay(_ context.Context, revision string, in decision.Input) (decision.Document, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if revision != p.revision {
		return decision.Document{}, errors.New("revision is not known")
	}
	return p.answer(in)
}

func (p *policy) answer(in decision.Input) (decision.Document, error) {
	now, err := time.Parse(time.RFC3339, in.Now)
	if err != nil {
		return decision.Document{}, err
	}
	doc := decision.Document{
		Schema: decision.SchemaV1, Stage: in.Stage, Release: map[string]decision.Field{}, Withhold: map[string][]string{},
		Reasons: map[string]decision.Reason{}, Obligations: []decision.Obligation{}, Retain: "P2Y",
		Revision: decision.Revision{Policy: p.revision, Engine: "fake/1"},
	}
	var row law.Row
	for _, r := range p.book.Rows(in.Service, in.Recipient.Role, now) {
		if r.Kind == in.Recipient.Kind && r.Basis == in.Basis {
			row, doc.LegalBasis = r, r.Norm
		}
	}
	var unmet []string
	if !slices.Contains(row.Purposes, in.Purpose) {
		unmet = append(unmet, "purpose.bound")
	}
	for name, want := range row.Conditions {
		if in.Facts[name] != want {
			unmet = append(unmet, "basis.lawful")
			break
		}
	}
	for _, name := range in.Fields {
		codes := slices.Clone(unmet)
		group, listed := row.Fields[name]
		if !listed && in.Stage == decision.Concrete {
			codes = append(codes, "field.listed")
		}
		switch slices.Sort(codes); {
		case len(codes) > 0:
			doc.Withhold[name] = codes
		case in.Stage == decision.Abstract:
			doc.Release[name] = decision.Field{Effect: "announce"}
		default:
			doc.Release[name] = decision.Field{Effect: "allow", Group: group}
		}
	}
	switch {
	case len(doc.Release) == 0:
		doc.Outcome = decision.Refuse
	case len(doc.Withhold) == 0:
		doc.Outcome = decision.Release
	default:
		doc.Outcome = decision.Partial
	}
	if p.change != nil {
		p.change(&doc)
	}
	return doc, nil
}

// lastAsked is the last input, as text.
func (p *policy) lastAsked() decision.Input {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.asked) == 0 {
		panic(fmt.Sprint("nobody asked revision ", p.revision))
	}
	return p.asked[len(p.asked)-1]
}
