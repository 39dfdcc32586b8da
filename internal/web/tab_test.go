package web

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// framed reads the page that Microsoft's hosts frame.
func framed(t *testing.T, w *world, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, w.url+tabPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// directive is one of the policy's, without its name.
func directive(t *testing.T, resp *http.Response, name string) string {
	t.Helper()
	for part := range strings.SplitSeq(resp.Header.Get("Content-Security-Policy"), ";") {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(part), name+" "); ok {
			return rest
		}
	}
	return ""
}

// TestS1_OnlyMicrosoftsHostsMayFrameThePageForThem: the hosts of the fact sheet, and nobody else anything.
func TestS1_OnlyMicrosoftsHostsMayFrameThePageForThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resp, body := framed(t, w)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Frame-Options") != "" {
		t.Errorf("%s, X-Frame-Options %q", resp.Status, resp.Header.Get("X-Frame-Options"))
	}
	allowed := strings.Fields(directive(t, resp, "frame-ancestors"))
	for _, host := range []string{"teams.microsoft.com", "*.microsoft365.com", "*.office.com", "outlook.office.com", "outlook.office365.com", "outlook.live.com", "*.cloud.microsoft"} {
		found := false
		for _, a := range allowed {
			found = found || a == "https://"+host
		}
		if !found {
			t.Errorf("%s may not frame the page: %v", host, allowed)
		}
	}
	for _, a := range allowed {
		if !strings.HasPrefix(a, "https://") || a == "https://*" {
			t.Errorf("%s may frame the page", a)
		}
	}
	if scripts := directive(t, resp, "script-src"); scripts != "'self'" {
		t.Errorf("script-src %s", scripts)
	}
	if !strings.Contains(body, `href="`+w.url+launchPath+`" target="_blank" rel="noopener"`) {
		t.Errorf("without script there is no way on:\n%s", body)
	}
	for _, path := range []string{"/signin", "/"} {
		got := w.browser().get(path)
		if got.header.Get("X-Frame-Options") != "DENY" || !strings.Contains(got.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s may be framed", path)
		}
	}
}

// TestS1_TheFramedPageKnowsNobody: also with somebody's cookies it shows no name and sets none.
func TestS1_TheFramedPageKnowsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	var cookies []string
	for _, c := range b.client.Jar.Cookies(mustURL(t, w.url)) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	if len(cookies) == 0 {
		t.Fatal("she has no session")
	}
	resp, body := framed(t, w, "Cookie", strings.Join(cookies, "; "), "Accept-Language", "pt-BR")
	if len(resp.Header.Values("Set-Cookie")) > 0 {
		t.Errorf("sets %v", resp.Header.Values("Set-Cookie"))
	}
	for _, private := range []string{"Adele", "adele@", "Vance", "Contoso"} {
		if strings.Contains(body, private) {
			t.Errorf("shows %q", private)
		}
	}
	if !strings.Contains(body, `lang="pt-BR"`) || !strings.Contains(body, "Abrir o Tandem") {
		t.Errorf("does not speak Portuguese:\n%s", body)
	}
}
