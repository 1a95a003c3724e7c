package localtemporal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	_ "modernc.org/sqlite" // the driver

	"github.com/efa-broker/efa-broker/contracts"
)

const (
	versionFile    = "version"
	mainFile       = "temporal.db"
	visibilityFile = "visibility.db"
	newSuffix      = ".new"
)

// prepare makes the files of dir ready for this server, or refuses them.
func prepare(ctx context.Context, dir string) error {
	const op = "prepare files of process engine"
	present := false
	for _, name := range []string{mainFile, visibilityFile} {
		found, err := exists(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
		present = present || found
	}
	if err := stamp(dir, present); err != nil {
		return err
	}
	for _, name := range []string{mainFile, visibilityFile} {
		if err := makeDatabase(ctx, filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("%s: %s: %w", op, name, err)
		}
	}
	return nil
}

// stamp checks the version that made the databases, or writes it before there is one.
func stamp(dir string, present bool) error {
	const op = "check version of process engine"
	file := filepath.Join(dir, versionFile)
	if !present {
		return replaceFile(file, []byte(headers.ServerVersion+"\n"))
	}
	raw, err := os.ReadFile(file) //nolint:gosec // the operator's own data directory
	version := strings.TrimSpace(string(raw))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		version = "unknown"
	case err != nil:
		return fmt.Errorf("%s: %w", op, err)
	}
	if version != headers.ServerVersion {
		return contracts.Errorf(contracts.Conflict, op,
			"the files were made by Temporal %s, this program holds %s, and SQLite files cannot be migrated: "+
				"finish the open cases with the old program, or move the files away and rebuild from the ledger",
			version, headers.ServerVersion)
	}
	return nil
}

// makeDatabase makes a database with the schema of this server unless there is one. It is made under another name and
// renamed when it is complete, because the schema is no single transaction.
func makeDatabase(ctx context.Context, file string) error {
	if found, err := exists(file); err != nil || found {
		return err
	}
	unfinished := file + newSuffix
	for _, left := range []string{unfinished, unfinished + "-journal"} {
		if err := os.Remove(left); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := writeSchema(ctx, unfinished); err != nil {
		return err
	}
	return rename(unfinished, file)
}

// writeSchema does not go through the server's own pool of connections, which would keep the file open for ever.
func writeSchema(ctx context.Context, file string) (err error) {
	db, err := sql.Open("sqlite", "file:"+file+"?mode=rwc&_pragma=journal_mode(delete)&_pragma=synchronous(2)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := sqliteschema.SetupSchemaOnDB(schemaWriter{ctx: ctx, db: db}); err != nil {
		return err
	}
	return os.Chmod(file, fileMode)
}

// schemaWriter is as much of an AdminDB as setting up a schema takes.
type schemaWriter struct {
	sqlplugin.AdminDB
	ctx context.Context //nolint:containedctx // AdminDB has no context; the value lives for one call
	db  *sql.DB
}

// Exec executes one statement of the schema.
func (w schemaWriter) Exec(stmt string, args ...any) error {
	_, err := w.db.ExecContext(w.ctx, stmt, args...)
	return err
}

func exists(file string) (bool, error) {
	_, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// replaceFile writes a file so that it is there whole or not at all.
func replaceFile(file string, content []byte) error {
	f, err := os.OpenFile(file+newSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fileMode) //nolint:gosec // the operator's own data directory
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return rename(file+newSuffix, file)
}

// rename puts a complete file in its place and makes the place durable.
func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
