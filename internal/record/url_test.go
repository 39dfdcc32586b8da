package record_test

import (
	"testing"

	"tandem/internal/record"
)

func TestAWebAddressRunsNothing(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"https://contoso.example/a:b?c#d": true, "HTTP://contoso.example": true, "contoso.example": true, "contoso.example/a:b": true,
		"contoso.example:8080": true, "www.contoso.example:8080/team": true, "mailto:ana@contoso.example": true, "tel:+5511999990000": true,
		"/team": true, "bücher.example": true, "contoso.example?x=y:z": true,
		"javascript:alert(1)": false, "JavaScript:alert(1)": false, "javascript:1": false, "data:text/html,x": false, "vbscript:x": false,
		"file:///etc/passwd": false, "java script:alert(1)": false, "//evil.example": false, "a.b:alert(1)": false, "a.b:1;alert(1)": false,
		"https:": false, ":": false, "blob:https://x.example": false, "intent://x": false,
	} {
		if got := record.IsAddress(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
