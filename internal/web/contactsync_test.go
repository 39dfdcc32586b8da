package web

import (
	"strings"
	"testing"
)

// Anybody switches the sync of their own contacts on, and off again, and nobody else's.
func TestS25_S34_AnybodySwitchesTheirContactsOnAndOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant(colleague)
	b := w.as(colleague)
	on := b.post(marketplacePath + "/contacts/enable")
	if on.path != marketplacePath || !strings.Contains(on.body, `id="card-contacts" data-state="first"`) || !strings.Contains(on.body, `id="card-calendar" data-state="none"`) {
		t.Fatalf("enabled: %d at %s\n%s", on.status, on.path, on.text())
	}
	if other := w.as(someone).get(marketplacePath); strings.Count(other.body, `data-state="none"`) != 2 {
		t.Errorf("somebody else's cards:\n%s", other.text())
	}
	if off := b.post(marketplacePath + "/contacts/disable"); !strings.Contains(off.body, `id="card-contacts" data-state="switching"`) {
		t.Errorf("disabled: %d at %s\n%s", off.status, off.path, off.text())
	}
}
