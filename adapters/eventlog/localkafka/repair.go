package localkafka

import (
	"encoding/binary"
	"hash/crc32"
	"os"
)

// An entry of groups.log and pids.log is length (4 bytes), CRC-32C (4), version (2) and data, all little endian; length
// and checksum cover version and data.
const (
	entryPrefix = 8
	minLength   = 2
)

// repair cuts everything behind the last whole entry of the log and returns how many bytes that was. A log that is
// missing is whole.
func repair(path string) (cut int64, err error) {
	raw, err := os.ReadFile(path) //nolint:gosec // a fixed name in the data directory
	if os.IsNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	whole := wholeEntries(raw)
	if whole == len(raw) {
		return 0, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // as above
	if err != nil {
		return 0, err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	if err := f.Truncate(int64(whole)); err != nil {
		return 0, err
	}
	return int64(len(raw) - whole), f.Sync()
}

// wholeEntries returns the length of the part that consists of whole entries.
func wholeEntries(raw []byte) int {
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	pos := 0
	for {
		rest := raw[pos:]
		if len(rest) < entryPrefix+minLength {
			return pos
		}
		length := int(binary.LittleEndian.Uint32(rest))
		if length < minLength || length > len(rest)-entryPrefix {
			return pos
		}
		if crc32.Checksum(rest[entryPrefix:entryPrefix+length], castagnoli) != binary.LittleEndian.Uint32(rest[4:]) {
			return pos
		}
		pos += entryPrefix + length
	}
}
