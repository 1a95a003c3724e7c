package assembly

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/watermark"
	"github.com/efa-broker/efa-broker/broker/ledger"
	"github.com/efa-broker/efa-broker/broker/vault"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/region"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// stores is what lies on disk or is embedded and does not change while the program runs.
type stores struct {
	lock     io.Closer
	db       *sqlstore.DB
	replica  *watermark.Replica
	vault    *vault.Vault
	key      ledger.SigningKey
	law      law.Book
	register *region.Register
	packages []service.Package
}

func openStores(ctx context.Context, cfg Config) (*stores, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	s := &stores{}
	if err := s.open(ctx, cfg); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stores) open(ctx context.Context, cfg Config) (err error) {
	if cfg.exclusive() {
		if s.lock, err = cfg.dir().Lock(); err != nil {
			return err
		}
	}
	if err := cfg.dir().Whole(); err != nil {
		return err
	}
	if s.law, err = law.Load(); err != nil {
		return err
	}
	if cfg.Law != nil {
		s.law = *cfg.Law
	}
	if s.packages, err = service.Load(); err != nil {
		return err
	}
	s.packages = append(s.packages, cfg.Packages...)
	if s.register, err = region.Load(); err != nil {
		return err
	}
	if s.key, err = ledger.LoadKey(cfg.dir().ReceiptKey()); err != nil {
		return err
	}
	if s.db, err = sqlstore.Open(ctx, cfg.ledger()); err != nil {
		return err
	}
	s.replica = watermark.New(watermark.Config{DB: s.db, Source: "replica/" + uuid.NewString(), Log: cfg.Log})
	s.vault, err = vault.New(ctx, cfg.vault(s.db))
	return err
}

func (s *stores) close() error {
	var errs []error
	if s.vault != nil {
		errs = append(errs, s.vault.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
