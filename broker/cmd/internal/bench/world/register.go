package world

import (
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/data"
)

// Register makes the register of authorities larger by trade offices of real municipalities that do not exist: each with a
// tenant, a competence and a client of its own.
type Register struct {
	w       *World
	carried int
	regions []string // of municipalities without a trade office
	size    int      // made up
}

// Register reads what there is.
func (w *World) Register(ctx context.Context) (_ *Register, err error) {
	r := &Register{w: w}
	if err := w.DB.Read().QueryRowContext(ctx, `select count(*) from authorities`).Scan(&r.carried); err != nil {
		return nil, fmt.Errorf("count authorities: %w", err)
	}
	file, err := data.Files.Open("municipalities.csv")
	if err != nil {
		return nil, fmt.Errorf("read municipalities: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read municipalities: %w", err)
	}
	for _, row := range rows[1:] {
		var taken int
		if err := w.DB.Read().QueryRowContext(ctx, `select count(*) from competences where role = 'lead' and region = $1`, row[0]).Scan(&taken); err != nil {
			return nil, fmt.Errorf("look for a competence: %w", err)
		}
		if taken == 0 {
			r.regions = append(r.regions, row[0])
		}
	}
	return r, nil
}

// Smallest is the smallest number of authorities that Resize makes.
func (r *Register) Smallest() int { return r.carried + fewest }

// Place is where an authority of the register is competent.
type Place struct {
	Region    string
	Authority authority.ID
}

func idOf(i int) authority.ID { return authority.ID(fmt.Sprintf("bench-%05d", i)) }

// Places are the first n made up; Resize keeps at least so many.
func (r *Register) Places(n int) []Place {
	out := make([]Place, n)
	for i := range out {
		out[i] = Place{Region: r.regions[i], Authority: idOf(i)}
	}
	return out
}

// fewest made-up authorities are always there once the register was resized, so that cases have the same places at every
// size.
const fewest = 8

// Resize makes the register hold n authorities in all, or as few as it can. 0 takes back everything.
func (r *Register) Resize(ctx context.Context, n int) error {
	want := 0
	if n > 0 {
		want = min(max(n-r.carried, fewest), len(r.regions))
	}
	err := r.w.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		for from := r.size; from < want; from += rowsAtOnce {
			if err := r.add(ctx, tx, from, min(from+rowsAtOnce, want)); err != nil {
				return err
			}
		}
		if want >= r.size {
			return nil
		}
		from := string(idOf(want))
		for _, s := range []string{
			`delete from competences where authority >= $1 and authority like 'bench-%'`,
			`delete from authorities where id >= $1 and id like 'bench-%'`,
			`delete from principals where id >= $1 and id like 'bench-%'`,
			`delete from tenants where id >= $1 and id like 'bench-%'`,
		} {
			if _, err := tx.Exec(ctx, s, from); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("resize the register: %w", err)
	}
	r.size = want
	return nil
}

// rowsAtOnce keeps a statement below the number of arguments that every database takes.
const rowsAtOnce = 100

// add makes up the authorities from … to-1.
func (r *Register) add(ctx context.Context, tx *sqlstore.Tx, from, to int) error {
	begins := tx.Now().AddDate(-1, 0, 0)
	for _, table := range []struct {
		into string
		row  func(id, region string) []any
	}{
		{`tenants (id, operator, name)`, func(id, _ string) []any { return []any{id, Operator, id} }},
		{`authorities (id, operator, tenant, kind, name, region, roles, waived, mark)`, func(id, region string) []any {
			return []any{id, Operator, id, "trade_office", id, region, `["lead","previous"]`, false, "unverified"}
		}},
		{`competences (operator, service, region, role, authority, begins)`, func(id, region string) []any {
			return []any{Operator, trade.Object(), region, authority.Lead, id, begins}
		}},
		{`principals (id, kind, operator, tenant, authority, role)`, func(id, _ string) []any {
			return []any{id, "machine", Operator, id, id, actor.System}
		}},
	} {
		var rows []string
		var args []any
		for i := from; i < to; i++ {
			row := table.row(string(idOf(i)), r.regions[i])
			places := make([]string, len(row))
			for j := range row {
				places[j] = "$" + strconv.Itoa(len(args)+j+1)
			}
			rows, args = append(rows, "("+strings.Join(places, ", ")+")"), append(args, row...)
		}
		if _, err := tx.Exec(ctx, "insert into "+table.into+" values "+strings.Join(rows, ", "), args...); err != nil {
			return err
		}
	}
	return nil
}
