package vault

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/content"
)

// States of a row in contents.
const (
	pending   = "pending"
	committed = "committed"
)

// Store seals o under the key of its case and writes it as pending. A repeat of the same object with the same body is
// answered with the reference of the first and existed = true; the same id for anything else is a Conflict. A body
// above the limit is TooLarge; a case without key is NotFound.
func (v *Vault) Store(ctx context.Context, o content.Object) (ref content.Ref, existed bool, err error) {
	caseKey, err := v.keys.key(ctx, o.Tenant, caseKeyID(o.Case))
	if err != nil {
		return content.Ref{}, false, err
	}
	sealed, err := v.sealObject(caseKey, o)
	if err != nil {
		return content.Ref{}, false, err
	}
	var inserted bool
	err = v.ledger.Write(ctx, func(tx *sqlstore.Tx) (err error) {
		inserted, err = sealed.insert(ctx, tx)
		return err
	})
	if err != nil {
		return content.Ref{}, false, err
	}
	if inserted {
		return sealed.reference(), false, nil
	}
	ref, err = v.same(ctx, o, caseKey)
	return ref, true, err
}

// sealedObject is an object with its envelope.
type sealedObject struct {
	content.Object
	envelope, bodyMAC []byte
}

// sealObject seals an object under a key of its own, which it wraps under the key of the case.
func (v *Vault) sealObject(caseKey []byte, o content.Object) (sealedObject, error) {
	if len(o.Body) > v.maxBytes {
		return sealedObject{}, contracts.Errorf(contracts.TooLarge, "store content", "%d bytes, at most %d are allowed", len(o.Body), v.maxBytes)
	}
	envelope, bodyMAC, err := sealBody(caseKey, o)
	return sealedObject{Object: o, envelope: envelope, bodyMAC: bodyMAC}, err
}

// insert writes the object as pending; false when its id is taken.
func (o sealedObject) insert(ctx context.Context, tx *sqlstore.Tx) (inserted bool, err error) {
	res, err := tx.Exec(ctx, `insert into contents
		(id, operator, tenant, case_id, kind, form, media_type, state, uploader, sealed, digest, body_mac, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (id) do nothing`,
		o.Content, o.Operator, o.Tenant, o.Case, o.Kind, o.Form, o.MediaType, pending,
		o.Uploader, o.envelope, digest(o.envelope), o.bodyMAC, tx.Now())
	if err != nil {
		return false, fmt.Errorf("store content: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

func (o sealedObject) reference() content.Ref {
	ref := o.Ref
	ref.Digest = digest(o.envelope)
	return ref
}

// same compares o with the object that has its id.
func (v *Vault) same(ctx context.Context, o content.Object, caseKey []byte) (content.Ref, error) {
	row, err := v.read(ctx, o.Content)
	if err != nil {
		return content.Ref{}, err
	}
	conflict := contracts.Errorf(contracts.Conflict, "store content", "content %s exists with another body or belongs elsewhere", o.Content)
	if row.Operator != o.Operator || row.Tenant != o.Tenant || row.Case != o.Case || row.Kind != o.Kind ||
		row.Form != o.Form || row.MediaType != o.MediaType || row.Uploader != o.Uploader {
		return content.Ref{}, conflict
	}
	objectKey, _, err := openEnvelope(caseKey, row.Object, row.envelope)
	if err != nil {
		return content.Ref{}, err
	}
	got, err := mac(objectKey, o.Body)
	if err != nil {
		return content.Ref{}, err
	}
	if !hmac.Equal(got, row.bodyMAC) {
		return content.Ref{}, conflict
	}
	return row.Ref, nil
}

// Describe returns everything about an object but its body; NotFound when it does not exist.
func (v *Vault) Describe(ctx context.Context, id content.ID) (content.Object, error) {
	o := content.Object{Ref: content.Ref{Content: id}}
	return o, v.scan(ctx, id, described, describe(&o)...)
}

// Load opens an object; NotFound when it does not exist. The caller has decided before that it may be opened.
func (v *Vault) Load(ctx context.Context, id content.ID) (content.Object, error) {
	row, err := v.read(ctx, id)
	if err != nil {
		return content.Object{}, err
	}
	return v.open(ctx, row)
}

func (v *Vault) open(ctx context.Context, row sealedObject) (content.Object, error) {
	caseKey, err := v.keys.key(ctx, row.Tenant, caseKeyID(row.Case))
	if err != nil {
		return content.Object{}, err
	}
	objectKey, ciphertext, err := openEnvelope(caseKey, row.Object, row.envelope)
	if err != nil {
		return content.Object{}, err
	}
	row.Body, err = open(objectKey, ciphertext, objectData(row.Object))
	return row.Object, err
}

// Contents lists the committed objects of one kind of a case, oldest first.
func (v *Vault) Contents(ctx context.Context, caseID string, kind content.Kind) ([]content.Ref, error) {
	rows, err := v.ledger.Read().QueryContext(ctx, `select id, kind, form, digest from contents
		where case_id = $1 and kind = $2 and state = $3 order by created_at, id`, caseID, kind, committed)
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, "list contents", "%w", err)
	}
	defer rows.Close()
	var out []content.Ref
	for rows.Next() {
		var ref content.Ref
		if err := rows.Scan(&ref.Content, &ref.Kind, &ref.Form, &ref.Digest); err != nil {
			return nil, contracts.Errorf(contracts.Unavailable, "list contents", "%w", err)
		}
		out = append(out, ref)
	}
	if err := rows.Err(); err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, "list contents", "%w", err)
	}
	return out, nil
}

func (v *Vault) read(ctx context.Context, id content.ID) (sealedObject, error) {
	row := sealedObject{Object: content.Object{Ref: content.Ref{Content: id}}}
	return row, v.scan(ctx, id, described+`, sealed, body_mac`, append(describe(&row.Object), &row.envelope, &row.bodyMAC)...)
}

// described are the columns of an object that do not depend on its size.
const described = `operator, tenant, case_id, kind, form, media_type, uploader, digest, state = 'committed'`

func describe(o *content.Object) []any {
	return []any{&o.Operator, &o.Tenant, &o.Case, &o.Kind, &o.Form, &o.MediaType, &o.Uploader, &o.Digest, &o.Committed}
}

func (v *Vault) scan(ctx context.Context, id content.ID, columns string, into ...any) error {
	err := v.ledger.Read().QueryRowContext(ctx, `select `+columns+` from contents where id = $1`, id).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return &contracts.Error{Kind: contracts.NotFound, Op: "read content", Subject: string(id)}
	}
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, "read content", "%w", err)
	}
	return nil
}

func digest(envelope []byte) string {
	sum := sha256.Sum256(envelope)
	return hex.EncodeToString(sum[:])
}
