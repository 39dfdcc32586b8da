package web

import (
	"context"
	"net/url"
	"os"
	"regexp"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"tandem/internal/account"
)

// wear gives the tab the cookies of a browser that has been somewhere already.
func (b *tab) wear(w *world, from *browser) {
	b.t.Helper()
	home, err := url.Parse(w.url)
	w.must(err)
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		for _, c := range from.client.Jar.Cookies(home) {
			if _, err := cdp.Call(ctx, target, network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: w.url}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// A visitor is somebody on the way in, and the pages there.
type visitor struct {
	who   *browser // nil: nobody, who comes first
	looks []look
}

// beginnings are the pages on which people come in, each with whoever sees it.
func beginnings(w *world) []visitor {
	link := func(who account.Invitee) string { return w.letterLink(w.invite(who)) }
	at := func(name string, who *browser, door account.Door) visitor {
		return visitor{who, []look{{name, launchPath, "", `#launch[data-door="` + string(door) + `"]`}}}
	}
	as := func(upn string) *browser {
		b := w.browser()
		b.come(upn)
		return b
	}
	byLink := func(invited account.User, upn string) *browser {
		b := w.browser()
		b.openLink(invited, upn)
		return b
	}
	admin := w.users["admin@contoso.example"]

	withdrawn := w.invite(account.Invitee{Email: "withdrawn@elsewhere.example"})
	over, overLink := byLink(withdrawn, "grady@contoso.example"), w.letterLink(withdrawn)
	w.must(w.site.Registry.Withdraw(w.t.Context(), admin, withdrawn.ID))
	lia := w.local("lia@elsewhere.example")
	w.browser().post("/password/forgot", "email", lia.Email)
	replaced := w.letterLink(lia)
	w.browser().post("/password/forgot", "email", lia.Email)

	megan := w.invite(w.invitee("megan@contoso.example"))
	declined := w.asks("lee@contoso.example")
	w.must(w.site.Registry.Decline(w.t.Context(), admin, declined.ID, "Fale com a Ana antes: não sabemos em que equipe você está."))
	waiting := as("diego@contoso.example")
	waiting.post(launchPath+"/request", "terms", "yes")
	proved := as("lee@contoso.example")
	proved.post(associatePath, "email", lia.Email, "password", goodPassword)
	changed := `document.querySelector("[name=as]").value = "x"; document.querySelector("#f-terms").checked = true; document.querySelector("#launch-form [name=go]").click()`
	inside := w.enter(lia.Email, goodPassword)
	inside.get(accountPath)

	return []visitor{
		{nil, []look{
			{"signin", "/signin", "", "#signin-form"},
			{"signin-wrong", "/signin", `document.querySelector("#f-email").value = "lia@elsewhere.example"; document.querySelector("#f-password").value = "guessed"; document.querySelector("[name=signin]").click()`, "#form-error"},
			{"signin-changed", "/signin?password=changed", "", "#password-changed"},
			{"terms", "/terms", "", ".terms"},
			{"forgot", "/password/forgot", "", "#forgot-form"}, {"forgot-sent", "/password/forgot?sent=1", "", "#letter-sent"},
			{"reset", w.letterLink(lia), "", "#reset-form"}, {"reset-replaced", replaced, "", "[data-state=replaced]"}, {"link-unknown", "/password/x", "", "#error-title"},
			{"invitation", link(account.Invitee{Email: "bia@elsewhere.example"}), "", "#join-form"},
			{"invitation-wrong", link(account.Invitee{Email: "caio@elsewhere.example"}), `document.querySelector("#f-password").value = "short"; document.querySelector("#f-terms").checked = true; document.querySelector("[name=join]").click()`, "[data-field-error=password]"},
			{"invitation-microsoft", w.letterLink(megan), "", "#microsoft-only"}, {"invitation-withdrawn", overLink, "", "#invitation[data-state=withdrawn]"},
			{"problem-state", "/auth/microsoft/callback?code=x&state=y", "", "[data-problem=state]"}, {"problem-consented", "/auth/microsoft/callback?admin_consent=True", "", "[data-problem=consented]"},
		}},
		at("launch-install", as(northwindAdmin), account.MayInstall), at("launch-nobody", as("marta@northwind.example"), account.NobodyYet),
		{as("megan@contoso.example"), []look{
			{"launch-welcome", launchPath, "", `#launch[data-door=welcome]`}, {"launch-terms", launchPath, `document.querySelector("#f-terms").required = false; document.querySelector("#launch-form [name=go]").click()`, "#f-terms-error"},
			{"launch-changed", launchPath, changed, "#launch .note.bad"},
		}},
		at("launch-ask", as("lee@contoso.example"), account.MayAsk), at("launch-waiting", waiting, account.Waiting),
		at("launch-other-person", byLink(megan, "lee@contoso.example"), doorOtherPerson),
		at("launch-taken", byLink(w.invite(account.Invitee{Email: "davi@elsewhere.example"}), "adele@contoso.example"), doorTaken), at("launch-over", over, doorOver),
		{as("lee@contoso.example"), []look{{"associate", associatePath, "", "#associate-form"}}},
		{proved, []look{{"associate-confirm", associatePath, "", "#associate-confirm"}}},
		{inside, []look{{"account", accountPath, `document.querySelector("#password details").open = true`, "#end-others"}, {"invitation-signed-in", link(account.Invitee{Email: "eva@elsewhere.example"}), "", "#signed-in-as"}}},
		{w.as(admin.Email), []look{
			{"account-microsoft", accountPath, "", "#microsoft"}, {"consent", consentPath + "?first=yes", "", "#consent-form"}, {"consent-was", consentPath + "?was=not_yet&code=AADSTS65001", "", "#consent-was"},
		}},
	}
}

// In a real browser, as TestEveryPageLooksRight: every page on the way in, for whoever comes there.
func TestEveryPageOfTheBeginningLooksRight(t *testing.T) {
	w := newWorld(t)
	w.stop()
	all := beginnings(w)
	source, err := os.ReadFile(axePath)
	if err != nil {
		t.Logf("axe-core is not installed, the rest is looked at: %v", err)
	}
	only := regexp.MustCompile(os.Getenv("TANDEM_LOOK"))
	b := chrome(t)
	for _, lang := range []string{"en", "pt-BR"} {
		b.forget()
		b.do(chromedp.Navigate(w.url + "/terms"))
		b.speak(lang)
		for _, v := range all {
			if v.who != nil {
				v.who.post("/language", "lang", lang)
				b.wear(w, v.who)
			}
			for _, l := range v.looks {
				if only.MatchString(l.name) {
					b.looks(w, string(source), lang, l)
				}
			}
		}
		b.do(chromedp.EmulateViewport(1280, 900))
	}
	b.quiet()
}
