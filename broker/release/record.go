package release

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/trace"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// evaluation is one answer of the policy with its sealed record, ready to be written.
type evaluation struct {
	decision.Record
	tenant      authority.TenantID
	sealed      []byte
	key, digest string
}

// evaluate asks the policy once. Whatever it answers, the caller writes the record.
func (r *Release) evaluate(ctx context.Context, g ground, in decision.Input, at time.Time, who actor.Actor) (evaluation, error) {
	doc, err := r.ask(ctx, g, in)
	if contracts.KindOf(err) == contracts.Invalid {
		return evaluation{}, contracts.Errorf(contracts.Internal, "decide", "%s", err.Error()) // the broker asked wrongly
	}
	if err != nil {
		return evaluation{}, err
	}
	if err := checkDocument(in, doc); err != nil {
		return evaluation{}, err
	}
	return evaluation{tenant: g.Tenant, Record: decision.Record{
		ID: uuid.NewString(), Case: g.Case, DecidedAt: at, Sender: in.Sender.Authority, Recipient: in.Recipient.Authority,
		Actor: who, Input: in, Document: doc,
	}}, nil
}

// ask asks the policy under a span. The outcome stands in the span of a concrete decision only: of an abstract one it may
// say what a sensitive fact is, see write.
func (r *Release) ask(ctx context.Context, g ground, in decision.Input) (decision.Document, error) {
	ctx, span := r.cfg.Tracer.Start(ctx, trace.DisclosureDecide, trace.Case(g.Case), trace.Authority(string(in.Recipient.Authority)))
	doc, err := r.cfg.Decider.Decide(ctx, in)
	if in.Stage == decision.Concrete {
		span.Note(trace.Outcome(string(doc.Outcome)))
	}
	span.End(err)
	return doc, err
}

// seal fixes the record: its end, its bytes, its digest. The class of the log key is the retention period, so that
// records expire by deleting their month's key.
func (r *Release) seal(ctx context.Context, e *evaluation) (err error) {
	class := e.Document.Retain
	if class == "" {
		class = r.cfg.Law.Retain()
	}
	if e.RetainUntil, err = addPeriod(e.DecidedAt, class); err != nil {
		return err
	}
	plain, err := json.Marshal(e.Record)
	if err != nil {
		return contracts.Errorf(contracts.Internal, "encode decision record", "%w", err)
	}
	e.sealed, e.key, err = r.cfg.Vault.SealLog(ctx, e.tenant, e.DecidedAt, class, plain, recordData(e.Case, e.ID))
	e.digest = sealedDigest(e.sealed)
	return err
}

// write inserts the record into the decisions. Columns hold what lists need. Facts stand in the sealed record only, and
// so does the answer of an abstract decision: that somebody was not told may say what a sensitive fact is.
func (r *Release) write(ctx context.Context, tx *sqlstore.Tx, e evaluation) error {
	if e.Input.Stage == decision.Abstract && fault.Mutated(fault.SkipAnnouncementDecision) {
		return nil
	}
	who, err := json.Marshal(e.Actor)
	if err != nil {
		return contracts.Errorf(contracts.Internal, "write decision record", "%w", err)
	}
	in, doc := e.Input, e.Document
	revision := doc.Revision
	if in.Stage == decision.Abstract {
		doc = decision.Document{}
	}
	fields, err := json.Marshal(released(doc))
	if err != nil {
		return contracts.Errorf(contracts.Internal, "write decision record", "%w", err)
	}
	codes, err := json.Marshal(reasons(doc))
	if err != nil {
		return contracts.Errorf(contracts.Internal, "write decision record", "%w", err)
	}
	err = tx.Put(ctx, `insert into decisions (id, operator, disclosure_id, case_id, content_id, stage, outcome, decided_at,
		sender, recipient, role, actor, service, step, purpose, basis, legal_basis, released, reasons, policy_revision, engine,
		sealed_record, log_key, digest, retain_until)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)`,
		e.ID, r.cfg.Operator, e.Disclosure, e.Case, e.Content, in.Stage, doc.Outcome, e.DecidedAt,
		e.Sender, e.Recipient, in.Recipient.Role, string(who), in.Service, in.Step, in.Purpose, in.Basis, doc.LegalBasis,
		string(fields), string(codes), revision.Policy, revision.Engine,
		e.sealed, e.key, e.digest, e.RetainUntil)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, "write decision record", "%w", err)
	}
	return nil
}

// sealedRow is a decision as it lies in the database.
type sealedRow struct {
	id, caseID, key, digest string
	sealed                  []byte
}

// open opens a recorded decision and checks it against the digest to which the receipt chain commits.
func (r *Release) open(ctx context.Context, row sealedRow) (decision.Record, error) {
	const op = "open decision record"
	if sealedDigest(row.sealed) != row.digest {
		return decision.Record{}, contracts.Errorf(contracts.Internal, op, "record %s does not match its digest", row.id)
	}
	plain, err := r.cfg.Vault.OpenLog(ctx, row.key, row.sealed, recordData(row.caseID, row.id))
	if err != nil {
		return decision.Record{}, err
	}
	var rec decision.Record
	if err := json.Unmarshal(plain, &rec); err != nil {
		return decision.Record{}, contracts.Errorf(contracts.Internal, op, "record %s is malformed", row.id)
	}
	return rec, nil
}

// sealedDigest is the SHA-256 of the sealed record, hex. A digest of the plaintext, even a salted one, would let whoever
// holds the database try out the few values that a fact can have (decision 5).
func sealedDigest(sealed []byte) string {
	sum := sha256.Sum256(sealed)
	return hex.EncodeToString(sum[:])
}

func recordData(caseID, id string) []byte { return []byte("efa-decision/1|" + caseID + "|" + id) }
