package event

// Bytes of the envelope that are the same for every event: the names of all attributes in the binary mode of the Kafka
// binding, the values of specversion and content-type, the longest time (RFC 3339 with nanoseconds) and the longest
// sequence numbers, and the fixed part of dataref with such a number.
const (
	headerNames = len("ce_specversion") + len("ce_id") + len("ce_source") + len("ce_type") + len("ce_subject") + len("ce_time") +
		len("content-type") + len("ce_"+ExtCaseSeq) + len("ce_"+ExtEngineSeq) + len("ce_"+ExtTenant) + len("ce_"+ExtPartitionKey) +
		len("ce_"+ExtDataRef) + len("ce_"+ExtTraceParent) + len(ExtTraceParent)
	longestNumber = len("9223372036854775807")
	fixedValues   = len("1.0") + len("application/json") + len("2006-01-02T15:04:05.999999999Z") + 2*longestNumber +
		len("/v1/cases//events?after_seq=") + longestNumber
)

// Size is the largest number of bytes that a draft with these encoded data can have as a record on Topic, whatever
// number and time it gets. What the ledger accepts has to fit, because the relay cannot refuse it any more: so the ledger
// compares Size, not the length of the data, with MaxBytes. The case stands in the record's key, in subject, partitionkey
// and dataref, where it may be escaped threefold; the trace context stands there as origin and as hop.
func Size(d Draft, data []byte, traceParent string) int {
	return headerNames + fixedValues + len(d.ID) + len(d.Source) + len(d.Type) + len(d.Tenant) + 6*len(d.Case) + 2*len(traceParent) + len(data)
}
