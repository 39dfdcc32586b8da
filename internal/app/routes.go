package app

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tandem/internal/web"
)

// routes puts the rooms that answer requests side by side.
func (a *App) routes(site, api, hook http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", site)
	mux.Handle("/crm/", api)
	mux.Handle("/api/", api)
	mux.Handle("/hooks/graph", hook)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := a.Store.Ping(r.Context()); err != nil {
			a.log.WarnContext(r.Context(), "app: not ready", "error", err)
			say(w, http.StatusServiceUnavailable, "the database does not answer")
			return
		}
		say(w, http.StatusOK, "ready")
	})
	mux.Handle("GET /metrics", notForwarded(promhttp.HandlerFor(a.metrics(), promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})))
	return recovered(guarded(a.config.URL, bounded(bodyGrace, mux)), a.log)
}

// guarded gives every answer the headers that suit one that is not for looking at. Pages set their own in their place.
func guarded(address string, next http.Handler) http.Handler {
	hsts := web.HSTS(address)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; object-src 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if hsts != "" {
			h.Set("Strict-Transport-Security", hsts)
		}
		next.ServeHTTP(w, r)
	})
}

// How long a request's body may take to arrive: bodyGrace and, at a pace that every connection has, the time for its bytes.
const (
	bodyGrace = 30 * time.Second
	bodyPace  = 32 << 10 // bytes a second
)

// bounded ends requests whose bodies drip in: each would hold a connection and what it has read so far.
func bounded(grace time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			patience := grace + time.Duration(max(0, min(r.ContentLength, longestBody)))*time.Second/bodyPace
			control := http.NewResponseController(w)
			if control.SetReadDeadline(time.Now().Add(patience)) == nil {
				r.Body = &timed{ReadCloser: r.Body, whole: func() { _ = control.SetReadDeadline(time.Time{}) }} // it could be set before
			}
		}
		next.ServeHTTP(w, r)
	})
}

// longestBody is more than any route takes.
const longestBody = 128 << 20

// timed is a body that tells when it has been read to its end: from then on what takes long is our work, and no drip.
type timed struct {
	io.ReadCloser
	whole func()
}

func (t *timed) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		t.whole()
	}
	return n, err
}

// notForwarded answers only who asks this server itself. Whoever comes through a proxy comes from outside, and what operators
// watch is nothing to strangers.
func notForwarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, header := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "X-Forwarded-Proto"} {
			if r.Header.Get(header) != "" {
				say(w, http.StatusNotFound, "not found")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // nobody is left to tell
}

// metrics counts what operators watch. It tells of no person and no record.
func (a *App) metrics() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	count := func(name, help string, value func() int64) {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(value()) }))
	}
	count("tandem_item_rows_written_total", "Rows of records, pairs, history and intents written.", func() int64 { return a.Store.Counts().ItemWrites })
	count("tandem_link_statements_total", "Statements that wrote rows of links.", func() int64 { return a.Store.Counts().LinkWrites })
	count("tandem_read_statements_total", "Statements that only read.", func() int64 { return a.Store.Counts().Reads })
	count("tandem_audits_total", "Audits that were made.", a.audits.made.Load)
	count("tandem_audit_records_total", "Records that audits compared.", a.audits.compared.Load)
	count("tandem_audit_drift_total", "Records that audits found drifted apart.", a.audits.drift.Load)
	count("tandem_audit_drift_left_total", "Records that had drifted apart and that audits could not bring in step.", a.audits.left.Load)
	registry.MustRegister(lastAudits{a.Store.Links()})
	return registry
}

// recovered answers 500 where a handler panics, and keeps the server up.
func recovered(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if cause := recover(); cause != nil {
				if cause == http.ErrAbortHandler {
					panic(cause)
				}
				log.ErrorContext(r.Context(), "app: a handler panicked", "route", r.Pattern, "cause", cause, "stack", string(debug.Stack()))
				http.Error(w, "Something went wrong here. It has been logged.", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
