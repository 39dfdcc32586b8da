// Package m365app writes the Microsoft 365 app package: the zip file that an administrator uploads so that Tandem shows
// among the apps of Microsoft 365, Outlook and Teams.
//
// It is a room of its own because it needs nothing of the others: an address goes in, bytes come out, always the same
// ones for the same input. The pages that the package points at are left to package web, uploading it to a person
// (docs/entra.md).
package m365app

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// The paths of Tandem that a package points at.
const (
	LaunchPath  = "/launch/microsoft365"
	TabPath     = "/launch/microsoft365/tab"
	TermsPath   = "/terms"
	PrivacyPath = "/terms#privacy" // one page says both
)

// What an app is called unless the operator says otherwise, and its version unless the build has one.
const (
	DefaultName    = "Tandem"
	DefaultVersion = "1.0.0"
)

// Options are what a package is made of.
type Options struct {
	URL      string // public address of Tandem: https://…, or http:// on the own machine, for trying only
	ClientID string // of the app registration in Entra; "": the package names none
	Version  string // x.y.z; "": DefaultVersion
	Name     string // as people see it; "": DefaultName
	Company  string // who runs it; "": the name
}

// Package is the zip file. The error tells all that is wrong with the options.
func Package(o Options) ([]byte, error) {
	m, err := newManifest(o)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, part := range []struct {
		name  string
		write func() ([]byte, error)
	}{
		{"manifest.json", func() ([]byte, error) { return indented(m) }},
		{"pt-br.json", func() ([]byte, error) { return indented(m.portuguese()) }},
		{"color.png", func() ([]byte, error) { return encode(drawColor()) }},
		{"outline.png", func() ([]byte, error) { return encode(drawOutline()) }},
	} {
		content, err := part.write()
		if err != nil {
			return nil, fmt.Errorf("m365app: make %s: %w", part.name, err)
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: part.name, Method: zip.Deflate, Modified: zipEpoch})
		if err != nil {
			return nil, fmt.Errorf("m365app: pack %s: %w", part.name, err)
		}
		if _, err := w.Write(content); err != nil {
			return nil, fmt.Errorf("m365app: pack %s: %w", part.name, err)
		}
	}
	err = z.Close()
	return out.Bytes(), err
}

// zipEpoch is the earliest time that a zip file can name: the same input is to give the same bytes.
var zipEpoch = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

func indented(v any) ([]byte, error) {
	raw, err := json.MarshalIndent(v, "", "  ")
	return append(raw, '\n'), err
}

func encode(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}

// OnlyForTrying reports whether an address is one that no other machine can reach, and so none for a package that is
// meant to work.
func OnlyForTrying(address string) bool {
	u, err := url.Parse(address)
	return err == nil && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

var (
	guidForm    = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	versionForm = regexp.MustCompile(`^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$`)
)

// VersionOf turns what a build says of itself into a version of a package: "v1.4.0" is 1.4.0; whatever is no release
// is DefaultVersion.
func VersionOf(build string) string {
	if v := strings.TrimPrefix(build, "v"); versionForm.MatchString(v) {
		return v
	}
	return DefaultVersion
}

// check fills in what was left out and tells all complaints at once. base is the address without a slash at the end,
// host its host as validDomains wants it.
func (o *Options) check() (base, host string, err error) {
	var wrong []error
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	u, parseErr := url.Parse(o.URL)
	switch {
	case parseErr != nil || u.Host == "":
		complain("--url: %q is not an address such as https://crm.example.com", o.URL)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		complain("--url: %q has more than scheme and host", o.URL)
	case strings.Trim(u.Path, "/") != "":
		complain("--url: %q has a path; Tandem answers at the top of a host of its own", o.URL)
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		complain("--url: %q must begin with https:// (http:// is only for 127.0.0.1 and localhost, for trying)", o.URL)
	default:
		host = strings.ToLower(u.Host)
		if u.Scheme == "https" {
			host = strings.TrimSuffix(host, ":443")
		}
		base = u.Scheme + "://" + host
	}
	if o.ClientID != "" && !guidForm.MatchString(o.ClientID) {
		complain("--client-id: %q does not have the form of an Application (client) ID, such as 7a8d0e7e-3c1b-4b1e-9a53-1a4de7a0365d", o.ClientID)
	}
	if o.Version == "" {
		o.Version = DefaultVersion
	}
	if !versionForm.MatchString(o.Version) {
		complain("--app-version: %q is not three numbers such as 1.4.0", o.Version)
	}
	if o.Name = strings.TrimSpace(o.Name); o.Name == "" {
		o.Name = DefaultName
	}
	if o.Company = strings.TrimSpace(o.Company); o.Company == "" {
		o.Company = o.Name
	}
	for _, text := range []struct {
		flag, value string
		most        int
	}{{"--name", o.Name, maxShortName}, {"--company", o.Company, maxCompany}} {
		if n := utf8.RuneCountInString(text.value); n > text.most {
			complain("%s: %d letters are too many; Microsoft takes %d at most", text.flag, n, text.most)
		}
	}
	if len(base) > maxURL-len(TabPath) {
		complain("--url: is too long; Microsoft takes addresses of %d letters at most", maxURL)
	}
	return base, host, errors.Join(wrong...)
}

// What Microsoft takes at most, in letters (fact sheet §12; the manifest's schema).
const (
	maxShortName        = 30
	maxFullName         = 100
	maxShortDescription = 80
	maxFullDescription  = 4000
	maxCompany          = 32
	maxURL              = 2048
)

// idOf is the id of an app at an address: the same for the same address, so that a second upload renews the first.
func idOf(base string) string { return uuid.NewSHA1(uuid.NameSpaceURL, []byte(base)).String() }
