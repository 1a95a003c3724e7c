package vault_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/vault"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/content"
)

// TestNoKeyIsLostWhileTenantKeysChange makes and opens keys while two processes rotate, back up and destroy.
func TestNoKeyIsLostWhileTenantKeysChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	second, err := vault.New(t.Context(), vault.Config{Ledger: b.ledger, Dir: filepath.Join(b.dir, "vault"), KeysURL: b.keys.URL, Backup: t.TempDir()})
	fatal(t, err)
	t.Cleanup(func() { fatal(t, second.Close()) })
	ctx := context.WithoutCancel(t.Context())
	var rotators, writers sync.WaitGroup
	for _, v := range []*vault.Vault{b.Vault, second} {
		rotators.Go(func() {
			for range 4 {
				version, _, err := v.Rotate(ctx, munich)
				if err == nil {
					err = v.BackUpKeys(ctx)
				}
				if err == nil {
					err = v.Retire(ctx, munich, version)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	stop := make(chan struct{})
	made := make([]int, 3)
	for w := range made {
		writers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				o := object(fmt.Sprintf("c-%d-%d", w, made[w]))
				o.Case = fmt.Sprintf("case-%d-%d", w, made[w])
				if err := b.CreateCaseKey(ctx, munich, o.Case); err != nil {
					t.Error(err)
					return
				}
				if _, _, err := b.Store(ctx, o); err != nil {
					t.Error(err)
					return
				}
				made[w]++
			}
		})
	}
	rotators.Wait()
	close(stop)
	writers.Wait()
	total := 0
	for w, n := range made {
		total += n
		for i := range n {
			if _, err := b.Load(ctx, content.ID(fmt.Sprintf("c-%d-%d", w, i))); err != nil {
				t.Errorf("case %d of writer %d was lost: %v", i, w, err)
			}
		}
	}
	files, err := os.ReadDir(filepath.Join(b.dir, "vault", "tenants", munich))
	fatal(t, err)
	if total < 10 || len(files) != 1 {
		t.Errorf("%d cases, tenant keys %v", total, files)
	}
}

func TestADestroyedKeyIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.DestroyKeys(t.Context(), "nuernberg", caseID, nil)
	wantKind(t, err, contracts.Conflict)
	for _, want := range []int{1, 0} { // a repeat finds nothing
		if n, err := b.DestroyKeys(t.Context(), munich, caseID, []string{"nobody"}); err != nil || n != want {
			t.Errorf("%d keys, %v", n, err)
		}
	}
	wantKind(t, b.CreateCaseKey(t.Context(), munich, caseID), contracts.Conflict)
	_, _, err = b.Store(t.Context(), object("c1"))
	wantKind(t, err, contracts.NotFound)
}

func TestNoVersionIsDestroyedThatAKeyStillNeeds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fatal(t, b.CreateCaseKey(t.Context(), munich, "whole"))
	_, err := sqlstoretest.Raw(t, b.keys).ExecContext(t.Context(),
		`update keys set wrapped = (select wrapped from keys where id = 'case/whole') where id = $1`, "case/"+caseID)
	fatal(t, err)
	_, _, err = b.Rotate(t.Context(), munich)
	wantKind(t, err, contracts.Internal)
	if _, err := os.Stat(filepath.Join(b.dir, "vault", "tenants", munich, "1.key")); err != nil {
		t.Errorf("the old version is gone: %v", err)
	}
	wantKind(t, b.Retire(t.Context(), munich, 9), contracts.Internal) // nobody destroys the last one
	_, err = b.MAC(t.Context(), munich, "whole", nil)
	fatal(t, err)
}

func TestTenantKeysThatWereCopiedBackMakeNoNewKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenants := filepath.Join(b.dir, "vault", "tenants", munich)
	old, err := os.ReadFile(filepath.Join(tenants, "1.key"))
	fatal(t, err)
	version, _, err := b.Rotate(t.Context(), munich)
	fatal(t, err)
	fatal(t, b.Retire(t.Context(), munich, version))
	fatal(t, os.Remove(filepath.Join(tenants, "2.key")))
	fatal(t, os.WriteFile(filepath.Join(tenants, "1.key"), old, 0o600))
	wantKind(t, b.CreateCaseKey(t.Context(), munich, "new"), contracts.Unavailable)
}
