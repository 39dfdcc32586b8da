// Package loopback finds addresses for servers that must be told where to listen.
package loopback

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
)

// Ports are taken from below the range out of which systems give ports to clients (RFC 6335 §6 begins it at 49152, Linux at
// 32768): between being found and being listened at, nobody's request gets one.
const (
	lowest = 20000
	many   = 12000
)

var next atomic.Uint32

func init() { next.Store(rand.Uint32N(many)) } // packages are tested side by side

// Address is a free address of this machine, "127.0.0.1:20815", another one each time.
func Address(t testing.TB) string {
	t.Helper()
	for range many {
		address := fmt.Sprintf("127.0.0.1:%d", lowest+next.Add(1)%many)
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return address
	}
	t.Fatal("loopback: no port is free")
	return ""
}
