package localkafka

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

func entry(data string) []byte {
	body := append([]byte{1, 0}, data...)
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(body)))
	head = binary.LittleEndian.AppendUint32(head, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	return append(head, body...)
}

func TestRepairCutsBehindTheLastWholeEntry(t *testing.T) {
	t.Parallel()
	whole := append(entry(`{"a":1}`), entry("")...)
	damaged := entry(`{"b":2}`)
	damaged[len(damaged)-1] ^= 1
	huge := []byte{255, 255, 255, 255, 0, 0, 0, 0, 1, 0}
	for name, tail := range map[string][]byte{
		"nothing":              nil,
		"part of a head":       {1, 2, 3},
		"part of an entry":     entry(`{"b":2}`)[:12],
		"damaged entry":        damaged,
		"damaged, then a good": append(bytes.Clone(damaged), entry("good")...),
		"zero bytes":           make([]byte, 64),
		"impossible length":    huge,
	} {
		path := filepath.Join(t.TempDir(), "groups.log")
		if err := os.WriteFile(path, append(bytes.Clone(whole), tail...), 0o600); err != nil {
			t.Fatal(err)
		}
		cut, err := repair(path)
		if err != nil || cut != int64(len(tail)) {
			t.Errorf("%s: cut %d bytes, %v; want %d", name, cut, err, len(tail))
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, whole) {
			t.Errorf("%s: %q is left, %v", name, got, err)
		}
		if cut, err := repair(path); cut != 0 || err != nil {
			t.Errorf("%s: a second repair cut %d bytes, %v", name, cut, err)
		}
	}
	if cut, err := repair(filepath.Join(t.TempDir(), "absent")); cut != 0 || err != nil {
		t.Errorf("an absent log: %d, %v", cut, err)
	}
}

func FuzzWholeEntries(f *testing.F) {
	f.Add(append(entry("a"), entry("b")[:5]...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n := wholeEntries(raw)
		if n < 0 || n > len(raw) || wholeEntries(raw[:n]) != n {
			t.Errorf("%d whole bytes of %d", n, len(raw))
		}
		if m := wholeEntries(append(raw[:n:n], entry("more")...)); m != n+len(entry("more")) {
			t.Errorf("an entry behind the whole part ends at %d", m)
		}
	})
}
