package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
)

// written is the manifest of a package on disk.
func written(t *testing.T, path string) (manifest map[string]any, raw []byte) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"manifest.json", "color.png", "outline.png"} {
		f, err := z.Open(name)
		if err != nil {
			t.Fatalf("the package has no %s at its root: %v", name, err)
		}
		content, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		if name == "manifest.json" {
			if err := json.Unmarshal(content, &manifest); err != nil {
				t.Fatal(err)
			}
		}
	}
	return manifest, raw
}

// TestS1_ThePackageIsWrittenByOneCommand as an operator types it.
func TestS1_ThePackageIsWrittenByOneCommand(t *testing.T) {
	t.Chdir(t.TempDir())
	text, err := says(t, "package", "--url", "https://crm.example.com")
	if err != nil || !strings.Contains(text, "tandem-microsoft365.zip") || !strings.Contains(text, "Integrated apps") || strings.Contains(text, "Warning") {
		t.Fatalf("%v\n%s", err, text)
	}
	manifest, first := written(t, "tandem-microsoft365.zip")
	if manifest["version"] != "1.0.0" || manifest["webApplicationInfo"] != nil {
		t.Errorf("%v", manifest)
	}
	if text, err := says(t, "package", "--url", "https://crm.example.com"); err != nil {
		t.Fatal(text)
	}
	if _, again := written(t, "tandem-microsoft365.zip"); !bytes.Equal(first, again) {
		t.Error("written again, it differs")
	}

	t.Setenv("TANDEM_URL", "http://localhost:8080")
	t.Setenv("TANDEM_MICROSOFT_CLIENT_ID", "7a8d0e7e-3c1b-4b1e-9a53-1a4de7a0365d")
	t.Setenv("TANDEM_NAME", "from somewhere else")
	text, err = says(t, "package", "--out", "other.zip", "--app-version", "1.2.3", "--company", "Contoso")
	if err != nil || !strings.Contains(text, "Warning") {
		t.Fatalf("%v\n%s", err, text)
	}
	manifest, _ = written(t, "other.zip")
	if app, _ := manifest["webApplicationInfo"].(map[string]any); app["id"] != "7a8d0e7e-3c1b-4b1e-9a53-1a4de7a0365d" || manifest["version"] != "1.2.3" {
		t.Errorf("%v", manifest)
	}
	if name, _ := manifest["name"].(map[string]any); name["short"] != "Tandem" {
		t.Errorf("the name is %v", name)
	}

	t.Setenv("TANDEM_URL", "")
	for _, bad := range [][]string{{"package"}, {"package", "--url", "http://crm.example.com"}, {"package", "--url", "https://crm.example.com", "--out", "nowhere/at/all.zip"}} {
		if text, err := says(t, bad...); err == nil {
			t.Errorf("%v: %s", bad, text)
		}
	}
	left, err := os.ReadDir(".")
	if err != nil || len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}
