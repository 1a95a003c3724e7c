package ingress

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/watermark"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event/answer"
)

const (
	// tolerance is how far a clock that stamps answers may be off the database's (DESIGN law 3).
	tolerance = time.Second
	// lasting is how long an answer of the log about its clock counts.
	lasting = 10 * time.Second
	// answering bounds one question.
	answering = 5 * time.Second
)

// errClock says that the log's clock is off, or not known.
var errClock = errors.New("the clock of the event log cannot be trusted")

// Stamp is what one broker of the event log says that the time was, between two instants of the database's clock.
type Stamp struct {
	// Broker is its number in the cluster.
	Broker int
	// Time is in whole milliseconds, cut off.
	Time time.Time
	// Sent and Answered are the database's clock before and after.
	Sent, Answered time.Time
}

// bounds are by how much the broker's clock is ahead at least and at most; negative when it is behind.
func (s Stamp) bounds() (least, most time.Duration) {
	return s.Time.Sub(s.Answered), s.Time.Add(time.Millisecond).Sub(s.Sent)
}

// verdict is what a stamp says about a clock.
type verdict int

const (
	good    verdict = iota
	unknown         // the answer took too long to tell
	off             // by more than the tolerance for certain
)

func (s Stamp) verdict() verdict {
	least, most := s.bounds()
	switch {
	case least > tolerance, most < -tolerance:
		return off
	case least >= -tolerance && most <= tolerance:
		return good
	}
	return unknown
}

// clock is what is known of the clock of the event log.
type clock struct {
	asking sync.Mutex // held by the one who asks

	mu sync.Mutex // guards what follows
	// asked and told are when it was asked last, and when it was found good.
	asked, told time.Time
	// plain says that the log stamps nothing: there is no clock to trust.
	plain bool
	// err says why it is not trusted; nil when it is.
	err error
}

// trusted tells whether append times count, by what is known: Unavailable when not.
func (in *Ingress) trusted() error {
	c := &in.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.plain:
		return nil
	case c.err != nil:
		return c.err
	case c.told.IsZero() || watermark.Age(c.told) > lasting:
		return distrust("it has not told its time for %s", lasting)
	}
	return nil
}

// distrust is Unavailable and wraps errClock.
func distrust(format string, args ...any) error {
	why := contracts.Errorf(contracts.Unavailable, "compare clocks", format, args...)
	return contracts.Errorf(contracts.Unavailable, "read answers", "%w: %w", errClock, why)
}

// compare asks the log for its clock unless that was done just now, and tells whether append times count.
func (in *Ingress) compare(ctx context.Context) error {
	c := &in.clock
	c.asking.Lock()
	defer c.asking.Unlock()
	c.mu.Lock()
	fresh := !c.asked.IsZero() && watermark.Age(c.asked) < 2*in.cfg.Interval
	c.mu.Unlock()
	if !fresh {
		if err := in.cfg.DB.Steady(ctx); err != nil {
			return distrust("the database's own is not known: %w", err)
		}
		bounded, cancel := context.WithTimeout(ctx, answering)
		stamps, err := in.stamps(bounded)
		cancel()
		if ctx.Err() != nil {
			return distrust("%w", ctx.Err())
		}
		c.mu.Lock()
		c.asked = time.Now()
		c.mu.Unlock()
		in.learn(ctx, stamps, err)
	}
	return in.trusted()
}

// stamps are those of every broker that stamps answers. A broker whose clock nobody can ask makes all of them Unavailable.
func (in *Ingress) stamps(ctx context.Context) ([]Stamp, error) {
	stamps, err := in.cfg.Outboxes.Stamps(ctx, in.cfg.DB.Now)
	if err != nil {
		return nil, err
	}
	var topics []string
	for _, a := range in.cfg.Ring.Authorities() {
		topics = append(topics, answer.Topic(a))
	}
	leaders, err := in.cfg.Outboxes.Leaders(ctx, topics...)
	if err != nil {
		return nil, err
	}
	for _, broker := range leaders {
		if !slices.ContainsFunc(stamps, func(s Stamp) bool { return s.Broker == broker }) {
			return nil, contracts.Errorf(contracts.Unavailable, "compare clocks",
				"broker %d stamps answers and its clock cannot be asked: let it lead a partition of %s", broker, answer.ClockTopic)
		}
	}
	return stamps, nil
}

// learn draws the conclusion from an answer. One that tells nothing leaves what is known as it is, until that is too old.
func (in *Ingress) learn(ctx context.Context, stamps []Stamp, err error) {
	c := &in.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil && contracts.KindOf(err) == contracts.Unsupported:
		if !c.plain {
			in.cfg.Log.InfoContext(ctx, "the event log stamps nothing: an answer is received when it is read")
		}
		c.plain, c.err = true, nil
		return
	case err != nil:
		in.cfg.Log.WarnContext(ctx, "the event log does not tell its time", "error", err)
		return
	}
	before := c.err
	switch worst, why := judge(stamps); worst {
	case off:
		c.err = why
		if in.cfg.ClockOff != nil {
			in.cfg.ClockOff()
		}
		if before == nil {
			in.cfg.Log.ErrorContext(ctx, "the clock of the event log is off, no answer is read", "error", why)
		}
	case good:
		c.told, c.err = c.asked, nil
		if before != nil {
			in.cfg.Log.InfoContext(ctx, "the clock of the event log is right again, answers are read")
		}
	case unknown:
		in.cfg.Log.WarnContext(ctx, "the event log takes too long to tell its time")
	}
}

// judge is the worst that the stamps of all brokers say, and why when a clock is off.
func judge(stamps []Stamp) (worst verdict, why error) {
	if len(stamps) == 0 {
		return unknown, nil
	}
	for _, s := range stamps {
		v := s.verdict()
		if v == off {
			least, most := s.bounds()
			why = distrust("broker %d is between %s and %s ahead of the database, at most %s either way are allowed", s.Broker, least, most, tolerance)
		}
		worst = max(worst, v)
	}
	return worst, why
}
