package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/rows"
	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/verdict"
	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/witness"
)

// Main is the program; tests start it like a user does.
type Main struct {
	Args           []string
	Stdout, Stderr io.Writer
}

// Exit statuses.
const (
	exitWhole  = 0
	exitFailed = 1
	exitUsage  = 2
	exitBroken = 3
)

const usage = `usage: ledgercheck --ledger DATABASE [--producers FILE] [--recipients FILE] [--log FILE] [--outbox FILE] [--nowhere PATH] [--json]

Judges, rule by rule, whether the ledger database is what producers, recipients and readers of the event log saw. Ask it
when nothing moves any more. Each flag but --ledger and --json may be repeated.

  --ledger      the ledger's SQLite file, or postgres://… for a log-in that is a member of efa_ledger (password: PGPASSWORD)
  --producers   what producers wrote down: sent, accepted, refused, not known; one JSON object a line
  --recipients  what back offices asked, and every byte they got; one JSON object a line
  --log         every record of the topic efa.cases; one JSON object a line
  --outbox      every record of the topics efa.outbox.<authority>, each with its topic; one JSON object a line
  --nowhere     a file or directory in which no canary of the producers may stand
  --json        the verdict for machines

Exit codes:
  0  every rule holds
  1  something could not be read
  2  the command line or a line of an input is wrong
  3  a rule is broken
`

// input is what the command line names.
type input struct {
	ledger                                         string
	producers, recipients, logs, outboxes, nowhere []string
	json                                           bool
}

// Run runs the program and returns its exit status.
func (m Main) Run(ctx context.Context) int {
	in, err := m.parse()
	if errors.Is(err, flag.ErrHelp) {
		return exitWhole
	}
	if err != nil {
		_, _ = fmt.Fprintf(m.Stderr, "ledgercheck: %v\nhint: ledgercheck --help\n", err)
		return exitUsage
	}
	report, err := judge(ctx, in)
	if wrong, ok := errors.AsType[*witness.InputError](err); ok {
		_, _ = fmt.Fprintf(m.Stderr, "ledgercheck: %v\nhint: nothing was judged; every line has to be whole\n", wrong)
		return exitUsage
	}
	if err == nil {
		err = write(m.Stdout, report, in.json)
	}
	switch {
	case err != nil:
		_, _ = fmt.Fprintf(m.Stderr, "ledgercheck: %v\nhint: nothing was judged\n", err)
		return exitFailed
	case !report.Whole:
		return exitBroken
	}
	return exitWhole
}

func (m Main) parse() (input, error) {
	var in input
	flags := flag.NewFlagSet("ledgercheck", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&in.ledger, "ledger", "", "")
	flags.BoolVar(&in.json, "json", false, "")
	for name, list := range map[string]*[]string{
		"producers": &in.producers, "recipients": &in.recipients, "log": &in.logs, "outbox": &in.outboxes, "nowhere": &in.nowhere,
	} {
		flags.Func(name, "", func(v string) error {
			*list = append(*list, v)
			return nil
		})
	}
	err := flags.Parse(m.Args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(m.Stdout, usage)
		return in, err
	case err != nil:
		return in, err
	case flags.NArg() > 0:
		return in, fmt.Errorf("want flags only, got %q", flags.Arg(0))
	case in.ledger == "":
		return in, errors.New("--ledger is missing")
	}
	return in, nil
}

func judge(ctx context.Context, in input) (verdict.Report, error) {
	t := verdict.Testimony{Nowhere: in.nowhere}
	var err error
	if t.Claims, err = all(in.producers, witness.Claims); err != nil {
		return verdict.Report{}, err
	}
	if t.Exchanges, err = all(in.recipients, witness.Exchanges); err != nil {
		return verdict.Report{}, err
	}
	if t.Records, err = all(in.logs, witness.Records); err != nil {
		return verdict.Report{}, err
	}
	if len(in.logs) > 0 && t.Records == nil {
		t.Records = []witness.Record{} // read, and empty
	}
	if t.Outboxes, err = all(in.outboxes, witness.Outboxes); err != nil {
		return verdict.Report{}, err
	}
	if len(in.outboxes) > 0 && t.Outboxes == nil {
		t.Outboxes = []witness.Record{}
	}
	db, err := rows.Open(in.ledger)
	if err != nil {
		return verdict.Report{}, err
	}
	defer func() { _ = db.Close() }()
	if t.Ledger, err = db.Read(ctx); err != nil {
		return verdict.Report{}, err
	}
	t.Texts = func(see func(string, []byte)) error { return db.Texts(ctx, see) }
	return verdict.Judge(t)
}

// all reads files of one kind, one after the other.
func all[T any](paths []string, read func(string) ([]T, error)) ([]T, error) {
	var out []T
	for _, path := range paths {
		found, err := read(path)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}
