package m365sim

import (
	"net/http"
	"sync/atomic"
)

type Warts struct{}
type notifier struct{}

func newNotifier(*Sim, Options) *notifier { return nil }
func (*notifier) stop()                   {}

type faultBook struct{}
type counter struct{}
type mailLog struct{}
type outbox struct{}
type mailbox struct {
	owner   atomic.Pointer[Person]
	enabled atomic.Bool
}

func newMailbox(*Sim, *Person, uint32) *mailbox { return &mailbox{} }
func (s *Sim) graphRoutes(*http.ServeMux)       {}
func (s *Sim) controlRoutes(*http.ServeMux)     {}
func (s *Sim) requestID() string                { return "" }
