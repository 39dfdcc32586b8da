package main

import (
	"fmt"
	"os"
	"path/filepath"

	"tandem/internal/m365app"
)

type packageCmd struct {
	ClientID   string `name:"client-id" help:"Application (client) ID of the app registration (default: TANDEM_MICROSOFT_CLIENT_ID)." env:"-"`
	Name       string `help:"What people see, in 30 letters at most." default:"${appname}" env:"-"`
	Company    string `help:"Who runs it, in 32 letters at most (default: the name)." env:"-"`
	AppVersion string `help:"x.y.z; Microsoft takes a changed package only under a higher one (default: this build's, or 1.0.0)." env:"-"`
	Out        string `help:"File to write; one that is there already is replaced." default:"tandem-microsoft365.zip" type:"path" env:"-"`
}

// Run writes the package.
func (p packageCmd) Run(s *settings, c *console) error {
	o := m365app.Options{URL: s.URL, ClientID: p.ClientID, Name: p.Name, Company: p.Company, Version: p.AppVersion}
	if o.ClientID == "" {
		o.ClientID = s.MicrosoftClientID
	}
	if o.Version == "" {
		o.Version = m365app.VersionOf(buildVersion())
	}
	zip, err := m365app.Package(o)
	if err != nil {
		return err
	}
	if err := replaceFile(p.Out, zip); err != nil {
		return err
	}
	if m365app.OnlyForTrying(o.URL) {
		fmt.Fprintf(c.warn, "Warning: %s is this machine alone. The package is good for looking at, not for Microsoft 365: that needs an https:// address which people's browsers reach.\n", o.URL)
	}
	fmt.Fprintf(c.out, "Wrote %s, version %s. Upload it in the Microsoft 365 admin center: Settings › Integrated apps › Upload custom apps.\n", p.Out, o.Version)
	return nil
}

// replaceFile puts a file in its place whole: whoever reads it meanwhile has the old one or the new one.
func replaceFile(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tandem-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()           // the first error counts
			_ = os.Remove(f.Name()) // half a file is of no use
		}
	}()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
