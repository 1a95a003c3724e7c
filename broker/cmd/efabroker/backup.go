package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/backup"
)

func (s *session) backupCommand() *cobra.Command {
	var to string
	var keystore bool
	c := s.command("backup", "Back up the ledger of a data directory, or its key store", func(ctx context.Context, _ []string) error {
		if to == "" {
			return failure.Usage("name a directory outside the data directory: --to DIR", "--to is missing")
		}
		copying, what, place := backup.Ledger, "ledger", "EFA_LEDGER_URL"
		if keystore {
			copying, what, place = backup.Keystore, "key store", "EFA_KEYSTORE_URL"
		}
		if err := s.refuseOutside(place); err != nil {
			return err
		}
		if err := copying(ctx, s.cfg.Data, to); err != nil {
			return err
		}
		return output.Show(s.printer(), map[string]string{"backup": to, "of": what}, func(map[string]string) []string {
			return output.Pairs("backup of", what, "in", to)
		})
	})
	c.Long = "Back up the ledger of a data directory (--data) with the key of its receipts, or with --keystore its key store.\n\n" +
		"The broker may run meanwhile. The two backups never go to one place: together with the tenant keys they open everything. Tenant keys and the " +
		"journal of erasures belong in no backup. A ledger or key store on PostgreSQL is backed up by PostgreSQL's own tools."
	c.Flags().StringVar(&to, "to", "", "directory for the backup; an older one there is replaced")
	c.Flags().BoolVar(&keystore, "keystore", false, "back up the key store instead of the ledger")
	return c
}

func (s *session) restoreCommand() *cobra.Command {
	var cfg backup.Config
	c := s.command("restore", "Put a backup of the ledger back into a data directory", func(ctx context.Context, _ []string) error {
		if cfg.From == "" {
			return failure.Usage("name the directory of a backup: --from DIR", "--from is missing")
		}
		if err := s.refuseOutside("EFA_LEDGER_URL"); err != nil {
			return err
		}
		cfg.Data = s.cfg.Data
		r, err := backup.Restore(ctx, cfg)
		if err != nil {
			return err
		}
		return output.Show(s.printer(), r, func(r backup.Report) []string {
			return append(output.Pairs(
				"cases", strconv.FormatInt(r.Cases, 10), "open", strconv.FormatInt(r.Open, 10), "moved aside to", r.Replaced),
				"Start the broker: it applies the journal of erasures before it serves. Then remove what was moved aside.")
		})
	})
	c.Long = "Put a backup of the ledger back into a data directory (--data) on which no broker runs. The key store stays as it is, " +
		"unless --keystore names a backup of it. Event log and process engine start empty and are filled from the ledger."
	c.Flags().StringVar(&cfg.From, "from", "", "directory of the backup of the ledger")
	c.Flags().StringVar(&cfg.Keystore, "keystore", "", "directory of a backup of the key store, when the key store is lost")
	c.Flags().BoolVar(&cfg.KeepEngine, "keep-engine", false, "keep the process engine's directory; it must be older than the backup of the ledger")
	return c
}

// refuseOutside refuses to copy files where the variable names a PostgreSQL database: what lies in the data directory is
// not the record then.
func (s *session) refuseOutside(variable string) error {
	for _, v := range s.program.Environ {
		if url, found := strings.CutPrefix(v, variable+"="); found && url != "" {
			return failure.Usage("back up with pg_basebackup and an archive of the write-ahead log, restore with them and run efabroker restored; see deploy/runbooks/restore.md",
				"%s names a PostgreSQL database; this command copies the files of a data directory", variable)
		}
	}
	return nil
}
