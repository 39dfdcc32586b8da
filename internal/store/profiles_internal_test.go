package store

import (
	"testing"

	"tandem/internal/account"
)

// A profile that was arranged before there were exports allows them where it allows imports: else an administrator by such a
// profile could no longer give the standard one.
func TestProfilesOfOldAllowExportsWithImports(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string]bool{
		`{"contacts":{},"import":true}`: true, `{"contacts":{}}`: false,
		`{"import":true,"export":false}`: false, `{"export":true}`: true,
	} {
		may, err := permissionsOf("Sales", stored)
		if err != nil || may.Export != want {
			t.Errorf("%s: %+v, %v", stored, may, err)
		}
	}
	if may, err := permissionsOf(account.Standard, ""); err != nil || !may.Export {
		t.Errorf("built in: %+v, %v", may, err)
	}
}
