// Package chrome opens a real headless browser for tests, and skips them with a clear message where there is none.
package chrome

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// patience is how long one step may take before the test gives up on it.
const patience = time.Minute

// Tab is one tab of a browser.
type Tab struct {
	t   testing.TB
	ctx context.Context
}

// Open starts a browser with a profile of its own and returns its first tab. Set TANDEM_SHOTS to a folder to keep
// pictures of what tests see.
func Open(t testing.TB) *Tab {
	t.Helper()
	binary := find()
	if binary == "" {
		t.Skip("no Chromium on this machine: scripts/chromium installs it where it may")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(binary), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("lang", "en"),
		chromedp.WSURLReadTimeout(patience),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancelTab := chromedp.NewContext(allocator)
	t.Cleanup(cancelTab)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatalf("open a browser: %v", err)
	}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("close the browser: %v", err)
		}
	})
	return &Tab{t, ctx}
}

func find() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Another opens a second tab in the same browser: it shares cookies with the first.
func (tab *Tab) Another() *Tab {
	tab.t.Helper()
	ctx, cancel := chromedp.NewContext(tab.ctx)
	tab.t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		tab.t.Fatalf("open a tab: %v", err)
	}
	return &Tab{tab.t, ctx}
}

// Stranger opens a tab with cookies of its own, as another person's browser would have, which asks for pages in a language.
func (tab *Tab) Stranger(lang string) *Tab {
	tab.t.Helper()
	ctx, cancel := chromedp.NewContext(tab.ctx, chromedp.WithNewBrowserContext())
	tab.t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900),
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": lang}})
			return err
		}),
	); err != nil {
		tab.t.Fatalf("open another person's browser: %v", err)
	}
	return &Tab{tab.t, ctx}
}

// Do takes steps, each within patience.
func (tab *Tab) Do(what string, steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	for _, step := range steps {
		err := chromedp.Do(ctx, step)
		// The page gave way to another one between finding the element and using it: nothing was done yet.
		for err != nil && strings.Contains(err.Error(), "Could not find node") && ctx.Err() == nil {
			time.Sleep(pause)
			err = chromedp.Do(ctx, step)
		}
		if err != nil {
			tab.fail(what, err)
		}
	}
}

// Go opens an address.
func (tab *Tab) Go(address string) {
	tab.t.Helper()
	tab.Do("open "+address, chromedp.Navigate(address))
}

// Click waits for the element of a CSS selector to be there, in a page that is whole, and clicks it: what is still loading
// moves under the hand.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	tab.Wait(fmt.Sprintf(`document.readyState === "complete" && document.querySelector(%q)`, selector))
	tab.Do("click "+selector, chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// Type puts text into the field of a CSS selector, in the place of what stood there.
func (tab *Tab) Type(selector, text string) {
	tab.t.Helper()
	tab.Wait(fmt.Sprintf(`document.readyState === "complete" && document.querySelector(%q)`, selector))
	tab.Do("find "+selector, chromedp.WaitVisible(chromedp.CSS(selector)))
	// Clear of chromedp empties what the page came with, not what was typed since.
	Eval[bool](tab, fmt.Sprintf(`(document.querySelector(%q).select(), true)`, selector))
	tab.Do("type into "+selector, chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Wait waits until a JavaScript expression is true, across pages.
func (tab *Tab) Wait(expression string) {
	tab.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		// While a page gives way to the next, asking fails: that is one more no.
		if yes, err := chromedp.Run(tab.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")")); err == nil && yes {
			return
		}
		if time.Now().After(deadline) {
			tab.fail("wait for "+expression, context.DeadlineExceeded)
		}
		time.Sleep(pause)
	}
}

// pause is how long to wait before asking again.
const pause = 25 * time.Millisecond

// fail ends the test with what the tab shows.
func (tab *Tab) fail(what string, err error) {
	tab.t.Helper()
	tab.Shot("failed-" + tab.t.Name())
	shown, showErr := chromedp.Run(tab.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText.slice(0, 1500)`))
	if showErr != nil {
		shown = showErr.Error()
	}
	tab.t.Fatalf("%s: %v\nat %s", what, err, shown)
}

// Eval is the value of a JavaScript expression.
func Eval[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	value, err := chromedp.Run(tab.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		tab.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return value
}

// Shot keeps a picture of the whole page in the folder TANDEM_SHOTS, if that is set.
func (tab *Tab) Shot(name string) {
	folder := os.Getenv("TANDEM_SHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(tab.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600)
	}
	if err != nil {
		tab.t.Logf("no picture %s: %v", name, err)
	}
}
