package web

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
)

func TestAssetsAreKeptForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.site.assets = assets{
		files: fstest.MapFS{
			"app-X1.js": {Data: []byte("plain")}, "app-X1.js.gz": {Data: []byte("small")}, "app-X1.js.LEGAL.txt": {Data: []byte("MIT")},
			"manifest.json": {Data: []byte("{}")},
		},
		names: map[string]string{"app.js": "app-X1.js"},
	}
	b := w.browser()
	got := b.get("/static/app-X1.js", "Accept-Encoding", "identity")
	if got.body != "plain" || got.header.Get("Cache-Control") != forever || got.header.Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("%d %q %v", got.status, got.body, got.header)
	}
	if len(got.header.Values("Set-Cookie")) > 0 {
		t.Error("an asset sets a cookie")
	}
	got = b.get("/static/app-X1.js", "Accept-Encoding", "br, gzip")
	if got.body != "small" || got.header.Get("Content-Encoding") != "gzip" || !strings.Contains(got.header.Get("Content-Type"), "javascript") {
		t.Errorf("compressed: %d %q %v", got.status, got.body, got.header)
	}
	if got := b.get("/static/app-X1.js.LEGAL.txt"); got.status != http.StatusOK {
		t.Errorf("the licence: %d", got.status)
	}
	for _, path := range []string{"/static/manifest.json", "/static/app-X1.js.gz", "/static/", "/static/..%2fweb.go"} {
		if got := b.get(path); got.status != 404 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

func TestPagesWorkUnbuilt(t *testing.T) {
	t.Parallel()
	a := assets{files: fstest.MapFS{}, names: map[string]string{}}
	w := newWorld(t)
	w.site.assets, w.site.pages = a, parsePages(a)
	b := w.as("adele@contoso.example")
	got := b.get("/calendar")
	if got.status != 200 || !strings.Contains(got.text(), "npm run build") || !strings.Contains(got.body, `id="agenda"`) || strings.Contains(got.body, "/static/") {
		t.Errorf("%d\n%s", got.status, got.text())
	}
}
