package m365app

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"flag"
	"image"
	"image/png"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

var look = flag.String("look", "", "a folder to write the icons into, for looking at them")

// unzipped makes a package and reads it back as whoever receives it would.
func unzipped(t *testing.T, o Options) map[string][]byte {
	t.Helper()
	raw, err := Package(o)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		files[f.Name] = content
	}
	return files
}

func decoded(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// at follows a path such as staticTabs/0/name.
func at(doc any, path string) any {
	for step := range strings.SplitSeq(path, "/") {
		switch v := doc.(type) {
		case map[string]any:
			doc = v[step]
		case []any:
			if step != "0" || len(v) == 0 {
				return nil
			}
			doc = v[0]
		default:
			return nil
		}
	}
	return doc
}

// TestS1_ThePackageKeepsMicrosoftsRules holds a package against what the manifest's schema asks (fact sheet §12).
func TestS1_ThePackageKeepsMicrosoftsRules(t *testing.T) {
	t.Parallel()
	const base, clientID = "https://crm.example.com", "7a8d0e7e-3c1b-4b1e-9a53-1a4de7a0365d"
	doc := decoded(t, unzipped(t, Options{URL: base + "/", ClientID: clientID, Version: "2.3.4", Company: "Contoso"})["manifest.json"])
	for _, row := range []struct {
		path string
		form string // a regular expression that the whole value must fit
		most int    // letters; 0: any number
	}{
		{"$schema", `https://developer\.microsoft\.com/json-schemas/teams/v1\.19/MicrosoftTeams\.schema\.json`, 0},
		{"manifestVersion", `1\.19`, 0},
		{"version", `2\.3\.4`, 256},
		{"id", `[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`, 36},
		{"developer/name", `Contoso`, 32},
		{"developer/websiteUrl", `https://crm\.example\.com`, 2048},
		{"developer/privacyUrl", `https://crm\.example\.com/terms#privacy`, 2048},
		{"developer/termsOfUseUrl", `https://crm\.example\.com/terms`, 2048},
		{"name/short", `Tandem`, 30},
		{"name/full", `Tandem.+`, 100},
		{"description/short", `.+`, 80},
		{"description/full", `.+`, 4000},
		{"icons/color", `color\.png`, 0},
		{"icons/outline", `outline\.png`, 0},
		{"accentColor", `#[0-9A-Fa-f]{6}`, 0},
		{"staticTabs/0/entityId", `.+`, 64},
		{"staticTabs/0/name", `Tandem`, 128},
		{"staticTabs/0/contentUrl", `https://crm\.example\.com/launch/microsoft365/tab`, 2048},
		{"staticTabs/0/websiteUrl", `https://crm\.example\.com/launch/microsoft365`, 2048},
		{"staticTabs/0/scopes/0", `personal`, 0},
		{"permissions/0", `identity`, 0},
		{"validDomains/0", `crm\.example\.com`, 2048},
		{"webApplicationInfo/id", clientID, 0},
		{"localizationInfo/defaultLanguageTag", `en`, 0},
		{"localizationInfo/additionalLanguages/0/languageTag", `pt-br`, 0},
		{"localizationInfo/additionalLanguages/0/file", `pt-br\.json`, 0},
	} {
		value, ok := at(doc, row.path).(string)
		if !ok || !regexp.MustCompile("^(?:"+row.form+")$").MatchString(value) {
			t.Errorf("%s = %v, which does not fit %s", row.path, at(doc, row.path), row.form)
		}
		if n := utf8.RuneCountInString(value); row.most > 0 && n > row.most {
			t.Errorf("%s has %d letters, %d are allowed", row.path, n, row.most)
		}
	}
	if _, named := decoded(t, unzipped(t, Options{URL: base})["manifest.json"])["webApplicationInfo"]; named {
		t.Error("without a client id the package still names an app registration")
	}
}

// TestS1_ThePackageSpeaksPortuguese: each text of the manifest that people read has its counterpart, within its limit.
func TestS1_ThePackageSpeaksPortuguese(t *testing.T) {
	t.Parallel()
	files := unzipped(t, Options{URL: "https://crm.example.com", Name: strings.Repeat("n", 30)})
	english, portuguese := decoded(t, files["manifest.json"]), decoded(t, files["pt-br.json"])
	for key, most := range map[string]int{"name.short": 30, "name.full": 100, "description.short": 80, "description.full": 4000} {
		for lang, text := range map[string]any{"en": at(english, strings.ReplaceAll(key, ".", "/")), "pt-br": portuguese[key]} {
			said, _ := text.(string)
			if n := utf8.RuneCountInString(said); n == 0 || n > most {
				t.Errorf("%s in %s has %d letters, 1 to %d are allowed", key, lang, n, most)
			}
		}
	}
	if portuguese["description.short"] == at(english, "description/short") {
		t.Error("the Portuguese is English")
	}
}

func TestS1_ThePackagesPicturesAreWhatMicrosoftAsksFor(t *testing.T) {
	t.Parallel()
	files := unzipped(t, Options{URL: "https://crm.example.com"})
	open := func(name string, size int) image.Image {
		img, err := png.Decode(bytes.NewReader(files[name]))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if b := img.Bounds(); b.Dx() != size || b.Dy() != size {
			t.Errorf("%s is %v, want %d × %d", name, b, size, size)
		}
		if *look != "" {
			if err := os.WriteFile(filepath.Join(*look, name), files[name], 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return img
	}
	full := open("color.png", 192)
	seen := map[[4]uint32]int{}
	for y := range 192 {
		for x := range 192 {
			r, g, b, a := full.At(x, y).RGBA()
			seen[[4]uint32{r >> 8, g >> 8, b >> 8, a >> 8}]++
			if edge := x < 36 || y < 36 || x >= 156 || y >= 156; edge && [4]uint32{r >> 8, g >> 8, b >> 8, a >> 8} != [4]uint32{0xf6, 0xf5, 0xf1, 0xff} {
				t.Fatalf("color.png: (%d, %d) outside the middle is painted", x, y)
			}
		}
	}
	if seen[[4]uint32{0x0f, 0x7a, 0x73, 0xff}] < 500 || seen[[4]uint32{0xdd, 0x5f, 0x3f, 0xff}] < 500 {
		t.Errorf("color.png shows no two wheels: %d and %d", seen[[4]uint32{0x0f, 0x7a, 0x73, 0xff}], seen[[4]uint32{0xdd, 0x5f, 0x3f, 0xff}])
	}
	line := open("outline.png", 32)
	clear, solid := 0, 0
	for y := range 32 {
		for x := range 32 {
			r, g, b, a := line.At(x, y).RGBA()
			if r != a || g != a || b != a { // premultiplied white
				t.Fatalf("outline.png: (%d, %d) is neither white nor nothing", x, y)
			}
			switch a {
			case 0:
				clear++
			case 0xffff:
				solid++
			}
		}
	}
	if clear < 400 || solid < 60 {
		t.Errorf("outline.png: %d points are clear and %d white", clear, solid)
	}
}

func TestS1_TheSameAddressGivesTheSameApp(t *testing.T) {
	t.Parallel()
	make := func(o Options) []byte {
		t.Helper()
		raw, err := Package(o)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	if !bytes.Equal(make(Options{URL: "https://crm.example.com"}), make(Options{URL: "https://crm.example.com"})) {
		t.Error("the same input gives other bytes")
	}
	id := func(address, version string) any {
		return decoded(t, unzipped(t, Options{URL: address, Version: version})["manifest.json"])["id"]
	}
	first := id("https://crm.example.com", "1.0.0")
	for _, again := range []string{"https://crm.example.com/", "https://CRM.example.com", "https://crm.example.com:443"} {
		if got := id(again, "1.1.0"); got != first {
			t.Errorf("%s: %v, want %v: a second upload would be a second app", again, got, first)
		}
	}
	for _, other := range []string{"https://crm2.example.com", "https://crm.example.com:8443"} {
		if id(other, "1.0.0") == first {
			t.Errorf("%s is taken for another address", other)
		}
	}
}

func TestPackageRefusesWhatMicrosoftWould(t *testing.T) {
	t.Parallel()
	good := Options{URL: "https://crm.example.com"}
	for name, row := range map[string]struct {
		bend func(*Options)
		says string // "": it is taken
	}{
		"as it should be":       {func(*Options) {}, ""},
		"the own machine":       {func(o *Options) { o.URL = "http://127.0.0.1:8080" }, ""},
		"localhost":             {func(o *Options) { o.URL = "http://localhost:8080" }, ""},
		"a name of 30 letters":  {func(o *Options) { o.Name = strings.Repeat("ã", 30) }, ""},
		"no encryption":         {func(o *Options) { o.URL = "http://crm.example.com" }, "must begin with https://"},
		"no scheme":             {func(o *Options) { o.URL = "crm.example.com" }, "is not an address"},
		"nothing":               {func(o *Options) { o.URL = "" }, "is not an address"},
		"a path":                {func(o *Options) { o.URL = "https://example.com/crm" }, "has a path"},
		"a query":               {func(o *Options) { o.URL = "https://crm.example.com/?a=b" }, "more than scheme and host"},
		"a secret in it":        {func(o *Options) { o.URL = "https://me:secret@crm.example.com" }, "more than scheme and host"},
		"no GUID":               {func(o *Options) { o.ClientID = "Tandem" }, "--client-id"},
		"a version of two":      {func(o *Options) { o.Version = "1.4" }, "--app-version"},
		"a version with letter": {func(o *Options) { o.Version = "v1.4.0" }, "--app-version"},
		"a long name":           {func(o *Options) { o.Name = strings.Repeat("n", 31) }, "--name: 31 letters"},
		"a long company":        {func(o *Options) { o.Company = strings.Repeat("n", 33) }, "--company: 33 letters"},
		"a long address":        {func(o *Options) { o.URL = "https://" + strings.Repeat("a.", 1024) + "example.com" }, "--url: is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := good
			row.bend(&o)
			_, err := Package(o)
			if row.says == "" {
				if err != nil {
					t.Errorf("%+v: %v", o, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), row.says) {
				t.Errorf("%+v: %v, want %q", o, err, row.says)
			}
		})
	}
	_, err := Package(Options{URL: "crm", ClientID: "x", Version: "1"})
	for _, flag := range []string{"--url", "--client-id", "--app-version"} {
		if err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("not all complaints at once: %v lacks %s", err, flag)
		}
	}
}

func TestVersionOfABuild(t *testing.T) {
	t.Parallel()
	for build, want := range map[string]string{
		"v1.4.0": "1.4.0", "1.4.0": "1.4.0", "(devel)": "1.0.0", "": "1.0.0", "unknown": "1.0.0",
		"v0.0.0-20261122201500-0123456789ab": "1.0.0", "v1.4.0+dirty": "1.0.0",
	} {
		if got := VersionOf(build); got != want {
			t.Errorf("%q: %s, want %s", build, got, want)
		}
	}
}

func TestOnlyForTrying(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://localhost": true, "https://[::1]:8443": true, "https://crm.example.com": false,
	} {
		if _, err := url.Parse(address); err != nil || OnlyForTrying(address) != want {
			t.Errorf("%s: %v", address, !want)
		}
	}
}
