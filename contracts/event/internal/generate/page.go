package generate

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"

	"github.com/efa-broker/efa-broker/contracts/event"
)

const head = `<!-- Generated from contracts/event; run "go generate ./contracts/event". Do not edit. -->

# Catalogue of events

Every step of a case is an event: a CloudEvent on the topic ` + "`" + event.Topic + "`" + `, keyed by case. Events carry ids, codes, instants,
booleans and numbers only; content is sealed and fetched by reference. The order is that in which a case meets them.

*Handed over*: the process engine reacts to it, in the order of ` + "`engineseq`" + `. *Delivered*: it reaches the inbox of the
authority that its data name.

`

// Page generates the catalogue page for people.
func Page() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(head)
	b.WriteString("| type | meaning | emitter | listeners | handed over | delivered |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, t := range event.Types() {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %s | %s | %s |\n", t.Name, strings.ReplaceAll(t.Name, ".", ""), t.Meaning,
			t.Emitter, listeners(t), yes(t.HandedOver), yes(t.Delivered))
	}
	examples := Examples()
	for _, t := range event.Types() {
		example, ok := examples[t.Name]
		if !ok || reflect.TypeOf(example) != reflect.TypeOf(t.Data) {
			return nil, fmt.Errorf("event %s has no example of its type", t.Name)
		}
		raw, err := indent(example)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s Data: [schema](schemas/%s.json), Go type `event.%s`.\n\n```json\n%s```\n",
			t.Name, t.Meaning, t.Name, reflect.TypeOf(t.Data).Name(), raw)
	}
	return b.Bytes(), nil
}

func listeners(t event.Type) string {
	if len(t.Listeners) == 0 {
		return "–"
	}
	return strings.Join(t.Listeners, ", ")
}

func yes(v bool) string {
	if v {
		return "yes"
	}
	return "–"
}
