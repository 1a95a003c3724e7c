package event

// Event types.
const (
	TypeCaseSubmitted      = "de.efa.case.submitted.v1"
	TypeCaseAcknowledged   = "de.efa.case.acknowledged.v1"
	TypeCaseClosed         = "de.efa.case.closed.v1"
	TypeCaseEscalated      = "de.efa.case.escalated.v1"
	TypeCaseLinked         = "de.efa.case.linked.v1"
	TypeCaseErased         = "de.efa.case.erased.v1"
	TypeTaskAssigned       = "de.efa.task.assigned.v1"
	TypeTaskCompleted      = "de.efa.task.completed.v1"
	TypeTaskExpired        = "de.efa.task.expired.v1"
	TypeTaskReturned       = "de.efa.task.returned.v1"
	TypeContentAnnounced   = "de.efa.content.announced.v1"
	TypeDeliveryAccepted   = "de.efa.delivery.accepted.v1"
	TypeDeliveryRejected   = "de.efa.delivery.rejected.v1"
	TypeDisclosureRecorded = "de.efa.disclosure.recorded.v1"
	TypeDisclosureRefused  = "de.efa.disclosure.refused.v1"
)

// Type is one entry of the catalogue.
type Type struct {
	Name string
	// Meaning is one sentence for the catalogue page.
	Meaning string
	// Emitter is the room of the broker that appends it.
	Emitter string
	// Listeners are the rooms that react to it.
	Listeners []string
	// HandedOver events get an engine_seq and are signalled to the process.
	HandedOver bool
	// Delivered events reach the inbox of the authority that their data name.
	Delivered bool
	// Data is the zero value of the data struct.
	Data any
}

// Types is the catalogue, in the order in which a case meets them.
func Types() []Type {
	return renew([]Type{
		{TypeCaseSubmitted, "An application or notice was accepted; its content is sealed and the case exists.", "intake", []string{"starter", "workflows"}, true, false, CaseSubmitted{}},
		{TypeTaskAssigned, "An authority has something to do, until the deadline that the law names.", "casework", []string{"delivery"}, false, true, TaskAssigned{}},
		{TypeDeliveryAccepted, "An authority could read what was delivered; says nothing about the procedure.", "delivery", nil, false, false, DeliveryAnswered{}},
		{TypeDeliveryRejected, "An authority could not read what was delivered; a person has to look.", "delivery", nil, false, false, DeliveryAnswered{}},
		{TypeTaskCompleted, "The holder of a task gave its outcome.", "casework", []string{"starter", "workflows"}, true, false, TaskCompleted{}},
		{TypeTaskReturned, "The holder of a task answered that it is not competent.", "casework", []string{"starter", "workflows"}, true, false, TaskReturned{}},
		{TypeTaskExpired, "Silence ended a task at its due instant, which is the legal time of this event.", "casework", nil, false, false, TaskExpired{}},
		{TypeCaseAcknowledged, "The receipt of the notice was certified (GewO § 15(1)).", "casework", nil, false, false, CaseAcknowledged{}},
		{TypeContentAnnounced, "An authority learns that there is something for it to fetch; it has nothing to do.", "release", []string{"delivery"}, false, true, ContentAnnounced{}},
		{TypeDisclosureRecorded, "Content was decided, recorded and handed over to an authority.", "release", nil, false, false, DisclosureRecorded{}},
		{TypeDisclosureRefused, "An authority asked for content and the policy released nothing.", "release", nil, false, false, DisclosureRecorded{}},
		{TypeCaseLinked, "Two cases belong together: one opened the other.", "intake", nil, false, false, CaseLinked{}},
		{TypeCaseEscalated, "The process cannot go on by itself and waits for a person.", "casework", nil, false, false, CaseEscalated{}},
		{TypeCaseClosed, "The process has ended.", "casework", []string{"delivery"}, false, false, CaseClosed{}},
		{TypeCaseErased, "The content of the case was erased: its keys are destroyed or about to be, the proof of what happened stays.", "vault", nil, false, false, CaseErased{}},
	})
}

// Lookup finds a type of the catalogue.
func Lookup(name string) (Type, bool) {
	for _, t := range Types() {
		if t.Name == name {
			return t, true
		}
	}
	return Type{}, false
}
