package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/efa-broker/efa-broker/contracts"
)

// rule is one line of a validation table: when broken holds, the setting key is faulty and detail says what is wrong and
// what to do.
type rule struct {
	broken bool
	key    string
	detail string
}

func check(rules ...rule) []contracts.Problem {
	var out []contracts.Problem
	for _, r := range rules {
		if r.broken {
			out = append(out, contracts.Problem{Pointer: r.key, Detail: r.detail})
		}
	}
	return out
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// exposed reports whether requests to address travel unencrypted beyond this machine.
func exposed(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "http" && !loopback(u.Hostname())
}

func splitAddress(s string) (host, port string, ok bool) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", "", false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return host, port, err == nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
