package app_test

import (
	"fmt"
	"testing"

	"tandem/internal/testkit/chrome"
)

// TestNewcomer goes the way of somebody who has just typed `make run`: sign in as Adele, switch on both kinds, and watch
// changes cross in both directions without reloading a page.
func TestS14S16S25S29_ANewcomerSeesChangesCross(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	tab := chrome.Open(t)

	tab.Go(d.url)
	tab.Shot("signin")
	tab.Click("#signin-microsoft")
	tab.Type("input[name=username]", "adele@contoso.example")
	tab.Click("form button[type=submit]")
	tab.Click("button[value=accept]")
	tab.Wait(`location.pathname === "/"`)
	tab.Shot("home-empty")

	for _, kind := range []string{"calendar", "contacts"} {
		tab.Go(d.url + "/setup/marketplace/microsoft")
		tab.Click("#card-" + kind + " .enable button")
		tab.Wait(`location.pathname.includes("/oauth2/v2.0/authorize")`)
		tab.Click("button[value=accept]")
		tab.Wait(fmt.Sprintf(`document.querySelector("#card-%s")?.dataset.state === "on"`, kind))
	}
	tab.Shot("marketplace")

	tab.Go(d.url + "/contacts/new")
	tab.Type("[name=First_Name]", "Ana")
	tab.Type("[name=Last_Name]", "Silva")
	tab.Type("[name=Email]", "ana@example.com")
	tab.Click("button[name=save]")
	tab.Wait(`/^\/contacts\/\d+/.test(location.pathname)`)

	outlook := tab.Another()
	outlook.Go(d.sim + "/outlook/adele@contoso.example/people")
	outlook.Click(`#folders a[href*="folder="]:not([href*="default"])`)
	outlook.Wait(`document.querySelector("#contacts")?.textContent.includes("Ana Silva")`)
	outlook.Shot("outlook-people")

	tab.Go(d.url + "/contacts")
	tab.Wait(`document.querySelector("#contact-list")?.textContent.includes("Silva")`)
	tab.Wait(`(window.neverReloaded = true)`)
	outlook.Click("a#new-contact")
	outlook.Type("#contact [name=givenName]", "Bruno")
	outlook.Type("#contact [name=surname]", "Costa")
	outlook.Click("#contact button[type=submit]")
	tab.Wait(`document.querySelector("#contact-list").textContent.includes("Costa")`)
	if !chrome.Eval[bool](tab, `window.neverReloaded === true`) {
		t.Error("the list was reloaded")
	}
	tab.Shot("contacts")

	// And the other way: the list in Outlook follows an edit in the CRM.
	outlook.Wait(`document.querySelector("#contacts")?.textContent.includes("Bruno Costa") || location.pathname.includes("/people")`)
	outlook.Go(d.sim + "/outlook/adele@contoso.example/people")
	outlook.Click(`#folders a[href*="folder="]:not([href*="default"])`)
	outlook.Wait(`document.querySelector("#contacts")?.textContent.includes("Bruno Costa")`)
	outlook.Wait(`(window.neverReloaded = true)`)
	tab.Click(`#contact-list tr[data-id] a`)
	tab.Type("[name=Last_Name]", "Castro")
	tab.Click("button[name=save]")
	outlook.Wait(`document.querySelector("#contacts").textContent.includes("Castro")`)
	if !chrome.Eval[bool](outlook, `window.neverReloaded === true`) {
		t.Error("the list in Outlook was reloaded")
	}
	d.noMails()
}
