package erasure

// Interrupt makes e stop with an error of fail behind each step for which it returns one.
func (e *Eraser) Interrupt(fail func(step string) error) { e.reached = fail }
