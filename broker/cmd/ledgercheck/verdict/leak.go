package verdict

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/witness"
)

// leak searches every byte that somebody got or could read for canaries.
func (j *judge) leak() error {
	c := j.rule(Leak)
	defer c.close()
	s := newSearch(j.Claims)
	j.report.Figures.Canaries = len(s.homes)
	c.leakedTo(s)
	c.leakedToLog(s)
	if err := j.Texts(func(column string, value []byte) {
		c.saw()
		for _, canary := range s.in(value) {
			c.broken(column, "content stands in the database in the clear", canary)
		}
	}); err != nil {
		return err
	}
	for _, path := range j.Nowhere {
		if err := c.nowhere(s, path); err != nil {
			return err
		}
	}
	return nil
}

// leakedTo looks at every byte that a recipient got.
func (c *court) leakedTo(s *search) {
	for _, e := range c.Exchanges {
		c.saw()
		found := s.in(e.Body)
		if len(found) == 0 {
			continue
		}
		f, fetched := e.Fetched()
		for _, canary := range found {
			if why := c.leaked(s.homes[canary], e.Authority, f, fetched); why != "" {
				c.broken(e.Place.String(), why, canary, e.Authority, f.Decision)
			}
		}
	}
}

// leakedToLog looks at every byte of the event log, the topics of authorities included.
func (c *court) leakedToLog(s *search) {
	for _, r := range slices.Concat(c.Records, c.Outboxes) {
		c.saw()
		raw := append([]byte(r.Key+"\x00"), r.Value...)
		for key, value := range r.Headers {
			raw = append(raw, "\x00"+key+"\x00"+value...)
		}
		for _, canary := range s.in(raw) {
			c.broken(r.Place.String(), "content stands in the event log", canary, r.ID())
		}
	}
}

// leaked says why a canary may not stand in an answer; empty when it may: the decision released to this recipient a
// field that holds it.
func (c *court) leaked(homes []home, authority string, f witness.Fetched, fetched bool) string {
	if !fetched {
		return "content stands in an answer that hands over none"
	}
	d, decided := c.Ledger.Decisions[f.Decision]
	if !decided || d.Recipient != authority || d.Case != f.Case {
		return "content left without a decision for this recipient"
	}
	for _, h := range homes {
		if !c.opened(h.submission, f.Case) {
			continue
		}
		if slices.ContainsFunc(h.fields, func(field string) bool { return slices.Contains(d.Released, field) }) {
			return ""
		}
		return fmt.Sprintf("a recipient got %v, which the decision does not release", h.fields)
	}
	return "a recipient got content of another case"
}

// opened reports whether a submission has opened a case, or may have: its producer has no answer, and nobody else was told
// of that case.
func (j *judge) opened(submission, caseID string) bool {
	if slices.ContainsFunc(j.accepted[submission], func(a witness.Claim) bool { return a.Case == caseID }) {
		return true
	}
	_, acked := j.acked[caseID]
	_, asked := j.asked[caseID]
	return j.unknown[submission] && !acked && !asked
}

// nowhere searches a file, or every file below a directory.
func (c *court) nowhere(s *search, path string) error {
	return filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name != path {
			return nil // it went while we looked
		}
		if err != nil {
			return err
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		c.saw()
		found, err := s.inFile(name)
		for _, canary := range found {
			c.broken(name, "content stands in a file that must hold none", canary)
		}
		return err
	})
}

// home is a submission and the fields of it that hold a canary.
type home struct {
	submission string
	fields     []string
}

// tail is how many bytes of a needle find it. They are the end, because canaries begin alike.
const tail = 8

// needle is one spelling of a canary.
type needle struct{ canary, text string }

// search finds all canaries in one pass over the bytes.
type search struct {
	homes   map[string][]home
	needles map[[tail]byte][]needle
	longest int
}

func newSearch(claims []witness.Claim) *search {
	s := &search{homes: map[string][]home{}, needles: map[[tail]byte][]needle{}}
	for _, c := range claims {
		for canary, fields := range c.Canaries {
			if len(canary) < tail {
				continue
			}
			if len(s.homes[canary]) == 0 {
				s.learn(canary)
			}
			s.homes[canary] = append(s.homes[canary], home{c.ID, fields})
		}
	}
	return s
}

func (s *search) learn(canary string) {
	for _, text := range spellings(canary) {
		key := [tail]byte([]byte(text[len(text)-tail:]))
		s.needles[key] = append(s.needles[key], needle{canary, text})
		s.longest = max(s.longest, len(text))
	}
}

// in lists the canaries that stand in raw, each once.
func (s *search) in(raw []byte) (found []string) {
	for end := tail; end <= len(raw); end++ {
		for _, n := range s.needles[[tail]byte(raw[end-tail:end])] {
			if end >= len(n.text) && string(raw[end-len(n.text):end]) == n.text && !slices.Contains(found, n.canary) {
				found = append(found, n.canary)
			}
		}
	}
	return found
}

// inFile is in for a file of any size.
func (s *search) inFile(name string) (found []string, err error) {
	f, err := os.Open(name) //nolint:gosec // a file that the caller names
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buf := make([]byte, 1<<20+s.longest)
	kept := 0
	for {
		n, err := io.ReadFull(f, buf[kept:])
		for _, canary := range s.in(buf[:kept+n]) {
			if !slices.Contains(found, canary) {
				found = append(found, canary)
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		kept = copy(buf, buf[max(0, kept+n-s.longest):kept+n])
	}
}
