package event

// Progress is how far a consumer of Topic has come in one partition.
type Progress struct {
	Partition int
	// First is the offset of the oldest record that the partition keeps, End the one that its next record will have.
	First, End int64
	// Next is the offset at which the consumer goes on: what it has committed, or First when it has committed nothing or
	// something that the partition does not hold. It is read before End, so it is never above it.
	Next int64
}
