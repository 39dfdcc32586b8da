package app

import (
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
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
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics(), promhttp.HandlerOpts{}))
	return recovered(mux, a.log)
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
