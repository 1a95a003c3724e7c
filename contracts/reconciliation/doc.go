// Package reconciliation is the shape of what a comparison of ledger, event log and process engine finds: numbers, ids and
// codes.
//
//	state         means                                             next
//	running       it compares or repairs                            done, failed, interrupted
//	done          the report is whole                               –
//	failed        an error ended it; what was repaired stays so     –
//	interrupted   its process is gone; it may be run again          –
package reconciliation
