package web

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"tandem/internal/record"
	"tandem/internal/store"
)

// A tab is one page of a real browser. What the browser complains of (script that breaks, what the policy forbids) is
// kept, so that a test can expect that there was nothing.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
}

// patience is how long a test waits for what must happen.
const patience = time.Minute

// chrome starts a browser with one tab; more open beside it. flags are its settings beyond the usual ones. The test is passed
// over where there is none, or where the front end was not built.
func chrome(t *testing.T, flags ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves browsers out")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no Chromium on this machine: scripts/chromium installs it where it may")
	}
	if loadAssets().missing() {
		t.Skip("the pages' assets are not built: make assets builds them")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.ExecPath(path),
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.Flag("accept-lang", "en"),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.WSURLReadTimeout(patience))
	allocator, end := chromedp.NewExecAllocator(context.Background(), append(options, flags...)...)
	t.Cleanup(end)
	return newTab(t, allocator)
}

func newTab(t *testing.T, parent context.Context) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(parent)
	t.Cleanup(end)
	b := &tab{t: t, ctx: ctx}
	_, err := chromedp.Run(ctx, func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		entries, thrown := cdp.Events(ctx, target, log.EntryAdded), cdp.Events(ctx, target, runtime.ExceptionThrown)
		go func() {
			for e, err := range entries {
				if err == nil && e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.Text, "409 (Conflict)") {
					b.complain(e.Entry.Text + " " + e.Entry.URL)
				}
			}
		}()
		go func() {
			for e, err := range thrown {
				if err == nil {
					b.complain(e.ExceptionDetails.Text)
				}
			}
		}()
		return cdp.Call(ctx, target, log.Enable, cdp.Empty{})
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *tab) complain(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, text)
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, patience)
	defer end()
	for _, step := range steps {
		err := chromedp.Do(ctx, step)
		// The page gave way to another one between finding the element and using it, or while an address was opened: nothing was done yet.
		for err != nil && (strings.Contains(err.Error(), "Could not find node") || strings.Contains(err.Error(), "net::ERR_ABORTED")) && ctx.Err() == nil {
			time.Sleep(20 * time.Millisecond)
			err = chromedp.Do(ctx, step)
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
}

// until waits for a condition in the page.
func (b *tab) until(what, script string) {
	b.t.Helper()
	if !b.within(patience, script) {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.href + ' ' + document.body.innerText"))
		b.t.Fatalf("%s: not so at\n%s", what, text)
	}
}

// within reports whether a condition comes true in the page before some time is over. What is still loading moves under the
// hand that is about to click on it, so a page is looked at when it is whole.
func (b *tab) within(wait time.Duration, script string) bool {
	for end := time.Now().Add(wait); ; time.Sleep(20 * time.Millisecond) {
		ctx, stop := context.WithTimeout(b.ctx, patience)
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("document.readyState === 'complete' && !!("+script+")"))
		stop()
		if err == nil && ok {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// signIn takes the person from our sign-in page through the simulator's and back.
func (b *tab) signIn(w *world, upn string) {
	b.t.Helper()
	b.do(chromedp.Navigate(w.url+"/signin"), chromedp.Click("#signin-microsoft"))
	b.until("the simulator asks", `document.querySelector('#pick')`)
	b.do(chromedp.Click(`button[value="` + upn + `"]`))
	b.until("consent or home", `document.querySelector('#consent') || document.querySelector('#user-menu')`)
	if asked, _ := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`!!document.querySelector('#consent')`)); asked {
		b.do(chromedp.Click(`button[value="accept"]`))
	}
	b.until("signed in", `document.querySelector('#user-menu')`)
}

// In a real browser: what one tab does the other shows by itself, and a form that is being typed loses nothing.
func TestPagesFollowEachOther(t *testing.T) {
	w := newWorld(t)
	one := chrome(t) // after the server, so that it ends before: an open stream would keep the server
	t.Cleanup(w.store.OnCommit(func(c store.Commit) {
		topic := ContactsChanged
		if c.Kind == record.Calendar {
			topic = CalendarChanged
		}
		w.live.say(c.Org, Event{Topic: topic})
	}))
	one.signIn(w, "admin@contoso.example")
	two := newTab(t, one.ctx)

	one.do(chromedp.Navigate(w.url + "/contacts"))
	two.do(chromedp.Navigate(w.url+"/contacts/new"), chromedp.SetValue("#f-First_Name", "Zilda"),
		chromedp.SetValue("#f-Last_Name", "Prado"), chromedp.Click("button[name=save]"))
	one.until("the list shows the new contact", `document.querySelector('#contact-list').innerText.includes('Zilda Prado')`)
	two.until("saved", `/contacts.\d+/.test(location.pathname)`)
	page, err := chromedp.Run(two.ctx, chromedp.Evaluate[string]("location.href"))
	if err != nil {
		t.Fatal(err)
	}
	one.do(chromedp.SendKeys("#contact-search", "zil"))
	one.until("the list follows the typing", `location.search.includes('q=zil') && document.querySelectorAll('#contact-list tbody tr').length === 1`)

	one.do(chromedp.Navigate(page), chromedp.SendKeys("#f-Title", "CTO"))
	two.do(chromedp.SetValue("#f-Title", "CEO"), chromedp.Click("button[name=save]"))
	one.until("the open form is told", `document.querySelector('#changed.note')`)
	one.until("what was typed is there", `document.querySelector('#f-Title').value === 'CTO'`)
	one.do(chromedp.Click("button[name=save]"))
	one.until("both are shown", `document.querySelector('.compare')`)
	one.do(chromedp.Click("button[name=save]"))
	one.until("mine counts", `document.querySelector('#f-Title')?.value === 'CTO' && !document.querySelector('.compare')`)
	one.do(chromedp.Click("#delete-form button"))
	one.until("it can be undone", `document.querySelector('#toast .undo button')`)
	one.do(chromedp.Click("#toast .undo button"))
	one.until("it is back", `document.querySelector('#f-Title')?.value === 'CTO'`)

	two.do(chromedp.Navigate(w.url + "/calendar?view=week&date=2030-01-09"))
	one.do(chromedp.Navigate(w.url+"/calendar/new"), chromedp.SetValue("#f-Event_Title", "Rodada"), chromedp.Click("#f-All_day"))
	one.until("an all-day event has days", `document.querySelector('#f-Start_DateTime').type === 'date'`)
	one.do(chromedp.SetValue("#f-Start_DateTime", "2030-01-09"), chromedp.SetValue("#f-End_DateTime", "2030-01-09"),
		chromedp.Click("button[name=save]"))
	two.until("the calendar shows the new event", `document.querySelector('#calendar').innerText.includes('Rodada')`)

	for _, b := range []*tab{one, two} {
		b.mu.Lock()
		if len(b.complaints) > 0 {
			t.Errorf("the browser complains: %q", b.complaints)
		}
		b.mu.Unlock()
	}
}

// shot keeps a picture of the whole page in the folder TANDEM_SHOTS, if that is set.
func (b *tab) shot(name string) {
	folder := os.Getenv("TANDEM_SHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.MkdirAll(folder, 0o750)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600)
	}
	if err != nil {
		b.t.Logf("no picture %s: %v", name, err)
	}
}
