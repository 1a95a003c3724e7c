package engine

// RunState is what the engine knows of the process of a case.
type RunState string

const (
	// Running says that the process waits or works.
	Running RunState = "running"
	// Absent says that the engine knows no process of the case: it was never started, or the engine was emptied.
	Absent RunState = "absent"
	// Ended says that the last process of the case is over, whatever the ledger says.
	Ended RunState = "ended"
)

// Run is the process of a case as the engine sees it.
type Run struct {
	State RunState
	// Applied is the last EngineSeq that a running process has applied; -1 when it did not say.
	Applied int64
}
