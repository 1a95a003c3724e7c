// Package pull is the transport of back offices that poll: backoffice.Port over the broker's HTTP API. It needs an
// address and a key, and no open port of its own (features RT-22).
//
// It owns the mapping between the words of Port and the routes of contracts/api/openapi.yaml, one file per side:
//
//	Next, Fetch, Confirm      inbox.go    GET /v1/inbox, POST /v1/contents/{id}/fetch, /v1/deliveries/{id}/accept|reject
//	Store, Answer, Submit     answer.go   PUT /v1/contents/{id}, POST /v1/tasks/{id}/outcome|not-competent, /v1/submissions
//
// It must not know what an item means; that is the handler's.
package pull
