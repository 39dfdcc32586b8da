package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// teamsPage is a host as TeamsJS meets one: it frames a page, answers its greeting, and does as it asks.
const teamsPage = `<!doctype html><title>host</title><body style="margin:0">
<script>
window.heard = []; window.opened = [];
addEventListener('message', (e) => {
  if (e.origin !== %[1]q) return;
  window.heard.push(e.data.func);
  if (e.data.func === 'executeDeepLink') window.opened.push(e.data.args[0]);
  const runtime = JSON.stringify({ apiVersion: 4, isLegacyTeams: false, supports: {}, hostVersionsInfo: {} });
  const args = e.data.func === 'initialize' ? ['content', 'web', runtime, '2.58.0'] : [true];
  e.source.postMessage({ id: e.data.id, uuidAsString: e.data.uuidAsString, uuid: e.data.uuid, args }, e.origin);
});
</script>
<iframe src="%[1]s%[2]s" style="border:0;width:900px;height:600px"></iframe>`

// TestS1_MicrosoftsHostsFrameThePageAndOpenItsLink in a real browser, for which teams.microsoft.com is a server of the
// test's own.
func TestS1_MicrosoftsHostsFrameThePageAndOpenItsLink(t *testing.T) {
	w := newWorld(t)
	host := httptest.NewTLSServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		answer.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(answer, teamsPage, w.url, tabPath)
	}))
	t.Cleanup(host.Close)

	open := func(name string) *tab {
		b := chrome(t, chromedp.Flag("ignore-certificate-errors", true),
			chromedp.Flag("host-resolver-rules", "MAP "+name+":443 "+strings.TrimPrefix(host.URL, "https://")))
		b.do(chromedp.Navigate("https://" + name + "/"))
		return b
	}
	teams := open("teams.microsoft.com")
	teams.until("the page greets its host and says that it is loaded", `heard.includes('initialize') && heard.includes('appInitialization.success')`)
	for y := 200.0; y < 420; y += 20 { // wherever the button stands
		teams.do(chromedp.MouseClickXY(450, y))
	}
	teams.until("the host is asked to open the link", `opened.includes('`+w.url+launchPath+`')`)

	stranger := open("teams.microsoft.com.evil.example")
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		stranger.mu.Lock()
		said := strings.Join(stranger.complaints, " ")
		stranger.mu.Unlock()
		if strings.Contains(said, "frame-ancestors") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("somebody else's page may frame it: %s", said)
		}
	}
	stranger.until("nothing was heard from it", `heard.length === 0`)
}
