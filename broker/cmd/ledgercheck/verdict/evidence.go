package verdict

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/witness"
)

func (j *judge) evidence() {
	c := j.rule(Evidence)
	defer c.close()
	for _, id := range sorted(j.Ledger.Cases) {
		c.saw()
		if why := j.Ledger.Chain(id); why != "" {
			c.broken("receipts", why, id)
		}
	}
	for _, id := range sorted(j.Ledger.Receipts) {
		if len(j.Ledger.Events[id]) == 0 {
			c.broken("receipts", "receipts of a case that has no event", id)
		}
	}
	for _, id := range sorted(j.accepted) {
		for _, claim := range j.accepted[id] {
			c.saw()
			c.acknowledged(claim)
		}
	}
	for _, id := range sorted(j.Ledger.Decisions) {
		c.saw()
		d := j.Ledger.Decisions[id]
		if sum := sha256.Sum256(d.Sealed); hex.EncodeToString(sum[:]) != d.Digest {
			c.broken("decisions", "a sealed record does not have its digest", id)
		}
		if _, recorded := j.byID[id]; !recorded && d.Stage == "concrete" {
			c.broken("decisions", "the ledger holds no event of a decision", id)
		}
	}
}

// acknowledged checks that the receipt that a producer was given is the one that stands in the ledger.
func (c *court) acknowledged(claim witness.Claim) {
	chain, got := c.Ledger.Receipts[claim.Case], claim.Receipt
	if got.Seq < 1 || got.Seq > int64(len(chain)) {
		c.broken(claim.Place.String(), "the receipt that was given is not in the ledger", claim.ID, got.Event)
		return
	}
	if r := chain[got.Seq-1]; r.Event != got.Event || r.Hash != got.Hash || r.Key != got.Key || r.Signature != got.Signature {
		c.broken(claim.Place.String(), "the ledger holds another receipt than the one that was given", claim.ID, got.Event)
	}
}
