package outlook

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"tandem/internal/reconcile"
)

// Hook is what Microsoft Graph calls when something changed: POST /hooks/graph. It believes nothing that a notification
// says but which link it is for; the run that it wakes looks for itself (DESIGN D7).
type Hook struct {
	Seal *Seal
	// Wake stores that the links want a run. Once it has returned nil, the wake-up survives us.
	Wake func(ctx context.Context, ids ...reconcile.LinkID) error
	// Resubscribe stores that the subscriptions of the links are to be renewed in their next run: Graph wants them
	// reauthorized, or has ended them. nil: they are renewed when they would have ended.
	Resubscribe func(ctx context.Context, ids ...reconcile.LinkID) error
	// Patience is how long storing may take before Graph is asked to call again; 0 is 80 ms. Both functions must return when
	// their context ends, and may store all the same.
	Patience time.Duration
	Logger   *slog.Logger
}

const (
	// maxHook bounds a notification. Graph sends a few hundred entries at most, of less than a kilobyte each.
	maxHook = 256 << 10
	// maxValidation bounds the token that is echoed.
	maxValidation = 4 << 10
	// defaultPatience has every notification answered within 100 ms, whoever holds the database. Graph calls again after a 503, and what
	// was not stored in that time is stored meanwhile (jobs.Gather); only answers that take seconds have it count us as slow.
	defaultPatience = 80 * time.Millisecond
)

type notification struct {
	ClientState    string `json:"clientState"`
	LifecycleEvent string `json:"lifecycleEvent"`
}

// ServeHTTP answers 200 with the token to a validation, 202 once all wake-ups are stored (also if there were none that
// are ours), 400 or 413 to what is no notification, and 503 if it could not be stored, upon which Graph calls again.
func (h *Hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return
	}
	if token := r.URL.Query().Get("validationToken"); token != "" {
		h.validate(w, token)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHook))
	if err != nil {
		status := http.StatusBadRequest
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, http.StatusText(status), status)
		return
	}
	wake, renew, foreign, err := h.read(body)
	if err != nil {
		http.Error(w, "this is no notification", http.StatusBadRequest)
		return
	}
	if foreign > 0 {
		h.log().WarnContext(r.Context(), "notifications that are not for us were dropped", "count", foreign)
	}
	if err := h.storeInTime(r.Context(), wake, renew); err != nil {
		level := slog.LevelError
		if errors.Is(err, context.DeadlineExceeded) {
			level = slog.LevelWarn // the database is busy
		}
		h.log().Log(r.Context(), level, "a notification could not be stored", "error", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// validate echoes the token as text that no browser takes for anything else.
func (h *Hook) validate(w http.ResponseWriter, token string) {
	if len(token) > maxValidation {
		http.Error(w, "the token is too long", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	_, _ = io.WriteString(w, token)
}

// read finds the links that a notification is for, each once, and those whose subscription needs care.
func (h *Hook) read(body []byte) (wake, renew []reconcile.LinkID, foreign int, err error) {
	var got struct {
		Value []notification `json:"value"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return nil, nil, 0, err
	}
	for _, n := range got.Value {
		id, ok := h.Seal.Link(n.ClientState)
		if !ok {
			foreign++
			continue
		}
		wake = append(wake, id)
		switch n.LifecycleEvent {
		case "reauthorizationRequired", "subscriptionRemoved":
			renew = append(renew, id)
		}
	}
	return once(wake), once(renew), foreign, nil
}

func once(ids []reconcile.LinkID) []reconcile.LinkID {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// storeInTime stores what is to be done, or says in time that it could not.
func (h *Hook) storeInTime(ctx context.Context, wake, renew []reconcile.LinkID) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(h.Patience, defaultPatience))
	defer cancel()
	if len(renew) > 0 && h.Resubscribe != nil {
		if err := h.Resubscribe(ctx, renew...); err != nil {
			return err
		}
	}
	if len(wake) == 0 {
		return nil
	}
	return h.Wake(ctx, wake...)
}

func (h *Hook) log() *slog.Logger {
	if h.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.Logger
}
