package openid

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// compactAfter is how many lines are appended before the file is written anew without what has expired.
const compactAfter = 10_000

// usedAssertions remembers each assertion until it expires, in a file, because a restart must not make a replay
// possible. Clients are known by their key before anything is remembered, so only they can make it grow.
type usedAssertions struct {
	path string

	mu       sync.Mutex
	file     *os.File
	appended int
	expiries map[string]time.Time
}

// usedLine is one line of the file. The name is a digest of client and jti.
type usedLine struct {
	Name   string    `json:"name"`
	Expiry time.Time `json:"exp"`
}

func openUsedAssertions(path string, now time.Time) (*usedAssertions, error) {
	u := &usedAssertions{path: path, expiries: map[string]time.Time{}}
	raw, err := os.ReadFile(path) //nolint:gosec // the path comes from the configuration
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read used assertions: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for lines.Scan() {
		var l usedLine
		if json.Unmarshal(lines.Bytes(), &l) == nil { // the last line may be cut by a crash, then it was not answered
			u.expiries[l.Name] = l.Expiry
		}
	}
	if err := u.compact(now); err != nil {
		return nil, err
	}
	return u, nil
}

// mark records the assertion and reports whether it is its first use. It returns once the record is durable.
func (u *usedAssertions) mark(client, jti string, expiry, now time.Time) (bool, error) {
	sum := sha256.Sum256([]byte(client + "\x00" + jti))
	name := hex.EncodeToString(sum[:])
	u.mu.Lock()
	defer u.mu.Unlock()
	if known, used := u.expiries[name]; used && known.After(now) {
		return false, nil
	}
	if u.appended >= compactAfter {
		if err := u.compact(now); err != nil {
			return false, err
		}
	}
	line, err := json.Marshal(usedLine{name, expiry})
	if err != nil {
		return false, fmt.Errorf("record assertion: %w", err)
	}
	if _, err := u.file.Write(append(line, '\n')); err != nil {
		u.appended = compactAfter // half a line may stand there now
		return false, fmt.Errorf("record assertion: %w", err)
	}
	if err := u.file.Sync(); err != nil {
		u.appended = compactAfter
		return false, fmt.Errorf("record assertion: %w", err)
	}
	u.appended++
	u.expiries[name] = expiry
	return true, nil
}

// compact writes the file anew with what has not expired and opens it for appending.
func (u *usedAssertions) compact(now time.Time) error {
	var b bytes.Buffer
	for name, expiry := range u.expiries {
		if !expiry.After(now) {
			delete(u.expiries, name)
			continue
		}
		line, err := json.Marshal(usedLine{name, expiry})
		if err != nil {
			return fmt.Errorf("write used assertions: %w", err)
		}
		b.Write(append(line, '\n'))
	}
	if err := replaceFile(u.path, b.Bytes()); err != nil {
		return fmt.Errorf("write used assertions: %w", err)
	}
	if err := u.closeFile(); err != nil {
		return err
	}
	f, err := os.OpenFile(u.path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open used assertions: %w", err)
	}
	u.file, u.appended = f, 0
	return nil
}

func (u *usedAssertions) close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.closeFile()
}

func (u *usedAssertions) closeFile() error {
	if u.file == nil {
		return nil
	}
	err := u.file.Close()
	u.file = nil
	if err != nil {
		return fmt.Errorf("close used assertions: %w", err)
	}
	return nil
}
