package web

import (
	"strings"
	"testing"

	"tandem/internal/account"
)

func TestS20_S32_AnAdministratorLetsImportedRecordsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("admin@contoso.example")
	page := b.get(companyPath)
	for _, want := range []string{`<option value="BR" selected>`, "those that are in sync stay in sync", `name="admit_contacts" value="true">`} {
		if page.status != 200 || !strings.Contains(page.body, want) {
			t.Fatalf("the page lacks %q: %d\n%s", want, page.status, page.text())
		}
	}
	if got := b.post(companyPath, "region", "XX", "admit_contacts", "true"); got.status != 422 || !strings.Contains(got.body, `data-field-error="region"`) {
		t.Errorf("an unknown country: %d", got.status)
	}
	saved := b.post(companyPath, "region", "PT", "admit_contacts", "false", "admit_contacts", "true", "admit_events", "false")
	if saved.path != companyPath || !strings.Contains(saved.body, `<option value="PT" selected>`) || !strings.Contains(saved.body, `name="admit_contacts" value="true" checked>`) {
		t.Errorf("saved: %d at %s\n%s", saved.status, saved.path, saved.text())
	}
	o, err := w.store.Accounts().Organization(t.Context(), w.org.ID)
	w.must(err)
	if o.Company() != (account.Company{Region: "PT", AdmitContacts: true}) {
		t.Errorf("stored is %+v", o.Company())
	}
	if trail := b.get(auditPath).text(); !strings.Contains(trail, "Company settings saved") || !strings.Contains(trail, "country of phone numbers: PT") ||
		!strings.Contains(trail, "imported contacts are synced") || strings.Contains(trail, "meetings are") {
		t.Errorf("the trail says:\n%s", trail)
	}
	if got := w.as("adele@contoso.example").post(companyPath, "region", "BR"); got.status != 403 {
		t.Errorf("somebody who manages nobody: %d", got.status)
	}
}
