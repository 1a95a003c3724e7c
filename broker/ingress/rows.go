package ingress

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts/cloudevent"
	"github.com/efa-broker/efa-broker/contracts/cloudevent/seal"
	"github.com/efa-broker/efa-broker/contracts/event/answer"
)

// taken is the digest under which an event was taken; empty when it was not.
func (in *Ingress) taken(ctx context.Context, e cloudevent.Event) (digest string, err error) {
	err = in.cfg.DB.Read().QueryRowContext(ctx, `select digest from ingress_events where source = $1 and id = $2`, e.Source, e.ID).Scan(&digest)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look for a repeat: %w", err)
	}
	return digest, nil
}

// take notes that an event was taken.
func (r *reader) take(ctx context.Context, tx *sqlstore.Tx, c claim, rec Record, at time.Time) error {
	err := tx.Put(ctx, `insert into ingress_events (source, id, digest, authority, case_id, at, topic, log_part, log_offset)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		c.event.Source, c.event.ID, c.digest, r.authority, c.event.Subject, at, rec.Topic, rec.Partition, rec.Offset)
	if err != nil {
		return fmt.Errorf("note event: %w", err)
	}
	return nil
}

// positionOf reads the offset of the record that was dealt with last, and the digest of its value; -1 when there was none.
func positionOf(ctx context.Context, tx *sqlstore.Tx, topic string, partition int) (offset int64, digest string, err error) {
	err = tx.QueryRowContext(ctx, `select log_offset, digest from ingress_positions where topic = $1 and log_part = $2`, topic, partition).Scan(&offset, &digest)
	if errors.Is(err, sql.ErrNoRows) {
		return -1, "", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("read position: %w", err)
	}
	return offset, digest, nil
}

func setPosition(ctx context.Context, tx *sqlstore.Tx, rec Record) error {
	err := tx.Put(ctx, `insert into ingress_positions (topic, log_part, log_offset, digest) values ($1, $2, $3, $4)
		on conflict (topic, log_part) do update set log_offset = excluded.log_offset, digest = excluded.digest`,
		rec.Topic, rec.Partition, rec.Offset, digest(rec.Value))
	if err != nil {
		return fmt.Errorf("write position: %w", err)
	}
	return nil
}

func digest(value []byte) string {
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:])
}

// forget takes away the watermarks of topics whose authorities do not speak Kafka any more: nobody would move them, and
// deadlines would wait for ever. A topic that another replica reads, by a newer register of keys, is left alone.
func forget(ctx context.Context, tx *sqlstore.Tx, ring seal.Ring) error {
	declared, err := sources(ctx, tx)
	if err != nil {
		return fmt.Errorf("read watermarks: %w", err)
	}
	for _, name := range declared {
		topic, _, _ := strings.Cut(name, "/")
		a, ok := answer.Sender(topic)
		if ok && slices.Contains(ring.Authorities(), a) {
			continue
		}
		err := tx.Put(ctx, `delete from watermarks where source = $1
			and not exists (select 1 from leases where name = $2 and expires_at > $3)`, name, leaseOf(a), tx.Now())
		if err != nil {
			return err
		}
	}
	return nil
}

// sources lists the partitions of topics of authorities that deadlines wait for.
func sources(ctx context.Context, tx *sqlstore.Tx) ([]string, error) {
	return sqlstore.Texts[string](ctx, tx, `select source from watermarks where source like 'efa.outbox.%' order by source`)
}
