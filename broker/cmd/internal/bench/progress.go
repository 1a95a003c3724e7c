package bench

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// progress tells people how far it is: a bar on a terminal, a line for each figure elsewhere.
type progress struct {
	out         io.Writer
	terminal    bool
	figure      string
	done, total int
}

func newProgress(out io.Writer, chosen []figure, o Options) *progress {
	p := &progress{out: out}
	for _, f := range chosen {
		p.total += 1 + f.sides*(o.Rounds+1)
	}
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// begin says which figure comes.
func (p *progress) begin(figure string) {
	p.figure = figure
	if !p.terminal {
		p.write(fmt.Sprintf("%3d %%  %s\n", p.percent(), figure))
	}
	p.turn()
}

// turn says that one side had its turn.
func (p *progress) turn() {
	p.done = min(p.done+1, p.total)
	if p.terminal {
		const width = 30
		full := p.done * width / p.total
		p.write(fmt.Sprintf("\r[%s%s] %3d %%  %-12s", strings.Repeat("#", full), strings.Repeat(".", width-full), p.percent(), p.figure))
	}
}

// end clears the bar.
func (p *progress) end() {
	if p.terminal {
		p.write("\r" + strings.Repeat(" ", 60) + "\r")
	}
}

func (p *progress) percent() int { return p.done * 100 / p.total }

// write is not worth an error: nobody watches.
func (p *progress) write(text string) { _, _ = io.WriteString(p.out, text) }
