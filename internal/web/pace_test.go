package web

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
)

// ASVS 2.4.1: whoever asks for pages without end, by a program or an extension of their browser, is told to wait, in words. Nobody else
// waits for them.
func TestASVS241_WhoeverAsksForPagesWithoutEndIsToldToWait(t *testing.T) {
	t.Parallel()
	const burst = 12
	start := time.Now() // no moment passes on the limit's clock
	w := newWorld(t, func(d *Deps) {
		d.Now = func() time.Time { return start }
		d.Pace = &account.Pace{Burst: burst, PerSecond: 1}
	})
	adele, alex := w.as("adele@contoso.example"), w.as("alex@contoso.example")
	var refused answer
	for n := 0; refused.status == 0; n++ {
		if n > burst {
			t.Fatalf("%d pages in a moment", n)
		}
		if got := adele.get("/setup/preferences"); got.status != http.StatusOK {
			refused = got
		}
	}
	after, err := strconv.Atoi(refused.header.Get("Retry-After"))
	if refused.status != http.StatusTooManyRequests || err != nil || after < 1 || !strings.Contains(refused.text(), "Wait a little and try again") {
		t.Errorf("%d, Retry-After %q:\n%s", refused.status, refused.header.Get("Retry-After"), refused.text())
	}
	if got := adele.post("/setup/preferences"); got.status != http.StatusTooManyRequests {
		t.Errorf("a form: %d", got.status)
	}
	if got := alex.get("/setup/preferences"); got.status != http.StatusOK {
		t.Errorf("somebody else: %d", got.status)
	}
	if got := w.browser().get("/signin"); got.status != http.StatusOK {
		t.Errorf("nobody: %d", got.status)
	}
}
