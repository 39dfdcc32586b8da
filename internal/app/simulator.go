package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"tandem/internal/m365sim"
)

// demoSeed lets the demo's tokens outlive a restart: the simulator derives its keys from it.
const demoSeed = 365

// RunSimulator serves the simulated Microsoft 365 until ctx ends. appURL is where its list of apps leads to; ready is
// told the address once it listens.
func RunSimulator(ctx context.Context, listen, appURL string, log *slog.Logger, ready func(address string)) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	sim := newSimulator(listener, appURL, log)
	defer sim.Close()
	ready(listener.Addr().String())
	return serveUntil(ctx, listener, sim)
}

func newSimulator(listener net.Listener, appURL string, log *slog.Logger) *m365sim.Sim {
	sim := m365sim.New(m365sim.Options{Seed: demoSeed, Logger: log, BaseURL: "http://" + listener.Addr().String()})
	if appURL == "" {
		appURL = "http://" + DefaultListen
	}
	sim.SetAppURL(appURL)
	return sim
}

// Limits of a server. There is no write time-out: pages that show things live hold their answers open.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	shutdownTimeout   = 5 * time.Second
	maxHeaderBytes    = 64 << 10
)

// serveUntil serves until ctx ends and then lets requests finish for a short while.
func serveUntil(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(closing); err != nil {
		_ = server.Close() // whoever still holds a page open has had the time to let go
	}
	<-failed
	return nil
}
