package app

import (
	"context"
	"testing"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// What somebody has begun (an import, a mass update, an undo) goes on only as far as this person may go by now: not at all once
// deactivated, or once the profile does not allow it any more.
func TestWorkInTheBackgroundStopsWithItsPersonsPermission(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	accounts := o.store.Accounts()
	adele := o.hire("Adele", account.Standard, "")
	people := crm.New(o.store.Records(), func(_ context.Context, _, _ record.ID) (bool, error) { return true, nil }, o.now)
	imports := actorOf(accounts, func(may account.Permissions) bool { return may.Import })
	undo := handOf(accounts, people)
	allowed := func(when string, importing, undoing bool) {
		t.Helper()
		actor, err := imports(t.Context(), o.org.ID, adele.ID)
		if importing != (err == nil) || !importing && !fault.Is(err, fault.Denied) {
			t.Errorf("%s, importing: %v", when, err)
		}
		if importing && actor.Contacts != record.OwnOnly {
			t.Errorf("%s, the import may %+v", when, actor.Contacts)
		}
		if _, err := undo(t.Context(), o.org.ID, adele.ID, record.Contacts); undoing != (err == nil) || !undoing && !fault.Is(err, fault.Denied) {
			t.Errorf("%s, undoing: %v", when, err)
		}
	}
	allowed("at first", true, true)
	less := account.Standard.Permissions()
	less.Import = false
	o.ok(o.rules.SaveProfile(t.Context(), o.megan, account.Standard, account.Standard, less))
	allowed("imports withheld", false, true)
	o.ok(o.rules.SaveProfile(t.Context(), o.megan, account.Standard, account.Standard, account.Standard.Permissions()))
	o.ok(o.rules.Deactivate(t.Context(), o.megan, adele.ID, 0))
	allowed("deactivated", false, false)
	o.ok(o.rules.Reactivate(t.Context(), o.megan, adele.ID))
	allowed("activated again", true, true)
}
