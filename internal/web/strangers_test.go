package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
)

// FuzzSealed: what travels through a browser opens as it was sealed, for its purpose and in its time, or not at all.
func FuzzSealed(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	flows, err := newSealer(testSecret, "browser")
	if err != nil {
		f.Fatal(err)
	}
	arrivals, err := newSealer(testSecret, "arrival")
	if err != nil {
		f.Fatal(err)
	}
	tickets, err := NewTickets("https://crm.example", testSecret, func() time.Time { return now })
	if err != nil {
		f.Fatal(err)
	}
	f.Add("", "/contacts", uint16(0), byte(1))
	f.Add(strings.Repeat("A", 200), "\x00\xff", uint16(40), byte(0x80))
	f.Add("eyJ1IjoxfQ", "é", uint16(9), byte(0))
	f.Fuzz(func(t *testing.T, text, next string, at uint16, flip byte) {
		var got flow
		if flows.open(text, now, &got) == nil {
			t.Fatalf("opened what nobody sealed: %q", text)
		}
		if _, err := tickets.openPass(text, account.Invitation); err == nil {
			t.Fatalf("a pass that nobody sealed: %q", text)
		}
		next = strings.ToValidUTF8(next, "?") // JSON holds nothing else
		box := flows.seal(flow{Next: next, Verifier: "v"}, now.Add(time.Second))
		if err := flows.open(box, now, &got); err != nil || got.Next != next {
			t.Fatalf("%v: sealed %q, opened %q", err, next, got.Next)
		}
		if flows.open(box, now.Add(time.Second), &got) == nil || arrivals.open(box, now, &got) == nil || tickets.sealer.open(box, now, &got) == nil {
			t.Fatal("opened for another purpose, or after its time")
		}
		if bad := []byte(box); flip != 0 {
			i := int(at) % (len(bad) - 1) // the last letter has bits without a meaning
			bad[i] ^= flip
			if flows.open(string(bad), now, &got) == nil {
				t.Fatalf("opened with letter %d changed", i)
			}
		}
	})
}

// FuzzOwnPath: wherever somebody asks to be led after signing in, it is a page of ours, as browsers read addresses.
func FuzzOwnPath(f *testing.F) {
	for _, seed := range []string{
		"/", "/contacts?q=x", "//evil.example", "/\\evil.example", "https://evil.example/", "/%2f%2fevil.example", "/%5cevil.example", "/\t/evil.example",
		"javascript:alert(1)", "/a//b", "/..//evil.example", "/.//evil.example", "?next=//evil.example", "/\x00", "/;//evil.example", "/a?b=c#d",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := ownPath(next)
		if !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t\x00") {
			t.Fatalf("%q leads to %q", next, got)
		}
		home := &url.URL{Scheme: "https", Host: "crm.example", Path: "/signin"}
		to, err := home.Parse(got)
		if err != nil || to.Host != home.Host || to.Scheme != home.Scheme {
			t.Fatalf("%q leads to %v (%v)", next, to, err)
		}
		if again := ownPath(got); again != got {
			t.Fatalf("%q, once more %q", got, again)
		}
	})
}

// FuzzCookies: whatever a browser sends for cookies, nobody is signed in by it and no page breaks.
func FuzzCookies(f *testing.F) {
	w := newWorld(f)
	flow := w.site.flowCookie("state", w.site.sealer.seal(flowOf("/"), w.now().Add(time.Minute)), time.Minute)
	for _, seed := range []string{
		"", "tandem_session=x", "tandem_session=" + strings.Repeat("A", 43), "tandem_lang=pt-BR; tandem_lang=\x00", flow.Name + "=" + flow.Value[1:],
		flow.Name + "=", "tandem_session=; tandem_session=y", "=;==;\"", "__Host-tandem_lang=xx", strings.Repeat("tandem_flow_a=b; ", 300),
	} {
		f.Add(seed, "state")
	}
	f.Fuzz(func(t *testing.T, cookies, state string) {
		for _, path := range []string{"/contacts", "/signin", "/auth/microsoft/callback?code=c&" + url.Values{"state": {state}}.Encode()} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Header["Cookie"] = []string{cookies}
			out := httptest.NewRecorder()
			w.site.ServeHTTP(out, r)
			switch {
			case out.Code >= 500:
				t.Fatalf("%s with %q: %d", path, cookies, out.Code)
			case path == "/contacts" && (out.Code != http.StatusSeeOther || !strings.HasPrefix(out.Header().Get("Location"), "/signin")):
				t.Fatalf("%s with %q: %d", path, cookies, out.Code)
			}
		}
	})
}

func flowOf(next string) flow {
	return flow{Next: next, Verifier: "v", Nonce: "n", Scopes: signInScopes}
}

// FuzzForwardedFor: limits and people's sessions count a place that the sender cannot choose, and never what is none.
func FuzzForwardedFor(f *testing.F) {
	f.Add("203.0.113.7", "198.51.100.9:4711")
	f.Add("::ffff:10.0.0.1, , 1.2.3.4", "10.0.0.2:80")
	f.Add("fe80::1%eth0,\x00", "[::1]:80")
	f.Add(strings.Repeat("10.0.0.1,", 1000), "10.0.0.2:80")
	s := &Site{Deps: Deps{Settings: Settings{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}}
	f.Fuzz(func(t *testing.T, forwarded, remote string) {
		got := s.place(&http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {forwarded}}})
		if got == "" {
			return
		}
		if _, err := netip.ParseAddr(got); err != nil {
			t.Fatalf("%q is no address", got)
		}
		direct := s.place(&http.Request{RemoteAddr: remote, Header: http.Header{}})
		if at, err := netip.ParseAddr(direct); err != nil || !s.trusts(at) && got != direct {
			t.Fatalf("%s says that it is %s", direct, got)
		}
	})
}
