package app_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tandem/internal/m365app"
)

// TestS1_EveryAddressOfThePackageLeadsSomewhere asks a running Tandem for whatever its package points at.
func TestS1_EveryAddressOfThePackageLeadsSomewhere(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	raw, err := m365app.Package(m365app.Options{URL: d.url})
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.NewDecoder(f).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, address := range texts(doc) {
		here, err := url.Parse(address)
		if err != nil || !strings.HasPrefix(address, d.url) {
			continue
		}
		asked++
		resp, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s, %v", address, resp.Status, err)
		}
		if here.Fragment != "" && !bytes.Contains(body, []byte(`id="`+here.Fragment+`"`)) {
			t.Errorf("%s: the page has no such place", address)
		}
	}
	if asked != 5 {
		t.Errorf("the package has %d addresses, not 5", asked)
	}
}

// texts are all strings in a document.
func texts(doc any) (all []string) {
	switch v := doc.(type) {
	case string:
		return []string{v}
	case []any:
		for _, each := range v {
			all = append(all, texts(each)...)
		}
	case map[string]any:
		for _, each := range v {
			all = append(all, texts(each)...)
		}
	}
	return all
}
