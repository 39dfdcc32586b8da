package realdata

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Service is an HTTP API that takes a bearer token and speaks JSON: Tandem's, or Microsoft Graph.
type Service struct {
	URL   string // without a slash at its end
	Token string
	HTTP  *http.Client
}

// maxAnswer is the most bytes of an answer that are read: a page of descriptions fits many times.
const maxAnswer = 64 << 20

// call sends one request, again when asked to wait, and decodes the answer whatever its status.
func (s *Service) call(ctx context.Context, method, address string, body, into any, header ...string) (int, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return 0, err
		}
	}
	if !strings.Contains(address, "://") {
		address = s.URL + address
	}
	for try := 1; ; try++ {
		req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(text))
		if err != nil {
			return 0, err
		}
		req.Header.Set("Authorization", "Bearer "+s.Token)
		if body != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Add(header[i], header[i+1])
		}
		status, wait, err := s.once(req, into)
		if (status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable) || try == 5 {
			return status, err
		}
		select {
		case <-ctx.Done():
			return status, ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (s *Service) once(req *http.Request, into any) (status int, wait time.Duration, err error) {
	client := s.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return resp.StatusCode, 0, err
	}
	wait = time.Second
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 {
		wait = time.Duration(n) * time.Second
	}
	if into != nil && len(raw) > 0 {
		if err := json.Unmarshal(raw, into); err != nil {
			return resp.StatusCode, wait, fmt.Errorf("realdata: %s %s answers %d with no JSON: %w", req.Method, req.URL.Path, resp.StatusCode, err)
		}
	}
	return resp.StatusCode, wait, nil
}

// result is one element of the answer to a write.
type result struct {
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Details map[string]any `json:"details"`
}

// Insert inserts one record and notes its id, or why it was refused. The error is for what stops all of them.
func (s *Service) Insert(ctx context.Context, p *Plan) error {
	var answer struct {
		result
		Data []result `json:"data"`
	}
	status, err := s.call(ctx, http.MethodPost, "/crm/v8/"+p.Module, map[string]any{"data": []any{p.Fields}}, &answer)
	switch {
	case err != nil:
		return err
	case status == http.StatusUnauthorized || status >= http.StatusInternalServerError:
		return fmt.Errorf("realdata: the API answers %d %s", status, answer.Code)
	case len(answer.Data) == 0:
		p.Refused = fmt.Sprintf("%d %s", status, answer.Code)
		return nil
	}
	r := answer.Data[0]
	if r.Code != "SUCCESS" {
		p.Refused = strings.TrimSpace(fmt.Sprint(r.Code, " ", str(r.Details["api_name"]), " ", r.Message))
		return nil
	}
	p.ID = str(r.Details["id"])
	return nil
}

// perRead is how many records one request reads by their ids.
const perRead = 100

// Read reads records with all fields, by id.
func (s *Service) Read(ctx context.Context, module string, ids []string) (map[string]map[string]any, error) {
	out := map[string]map[string]any{}
	for len(ids) > 0 {
		n := min(len(ids), perRead)
		var answer struct{ Data []map[string]any }
		status, err := s.call(ctx, http.MethodGet, "/crm/v8/"+module+"?per_page=200&ids="+url.QueryEscape(strings.Join(ids[:n], ",")), nil, &answer)
		if err != nil {
			return nil, err
		}
		if status != http.StatusOK && status != http.StatusNoContent {
			return nil, fmt.Errorf("realdata: reading %s answers %d", module, status)
		}
		for _, r := range answer.Data {
			out[str(r["id"])] = r
		}
		ids = ids[n:]
	}
	return out, nil
}

// Zone is the time zone of whoever the token belongs to.
func (s *Service) Zone(ctx context.Context) (string, error) {
	var answer struct {
		Users []struct {
			Zone string `json:"time_zone"`
		} `json:"users"`
	}
	status, err := s.call(ctx, http.MethodGet, "/crm/v8/users?type=CurrentUser", nil, &answer)
	if err != nil {
		return "", err
	}
	if status != http.StatusOK || len(answer.Users) != 1 {
		return "", fmt.Errorf("realdata: asking who we are answers %d", status)
	}
	return answer.Users[0].Zone, nil
}

// link is one's sync of one kind.
type link struct {
	ID       string  `json:"id"`
	Kind     string  `json:"kind"`
	State    string  `json:"state"`
	Synced   int     `json:"synced"`
	Waiting  int     `json:"waiting"`
	Excluded int     `json:"excluded"`
	Failing  int     `json:"failing"`
	LastRun  *string `json:"last_run"`
}

// SwitchOn switches a kind on, or finds that it is on.
func (s *Service) SwitchOn(ctx context.Context, kind string) error {
	var answer struct {
		Code string `json:"code"`
		URL  string `json:"url"`
	}
	status, err := s.call(ctx, http.MethodPost, "/api/v1/links", map[string]string{"kind": kind}, &answer)
	switch {
	case err != nil:
		return err
	case status == http.StatusCreated, answer.Code == "ALREADY_ON":
		return nil
	case answer.Code == "CONSENT_REQUIRED":
		return fmt.Errorf("realdata: %s sync needs consent at Microsoft first: %s", kind, answer.URL)
	}
	return fmt.Errorf("realdata: switching on %s answers %d %s", kind, status, answer.Code)
}

// Settle wakes the links and waits until a run of each that began afterwards has ended and its counts stay. It gives up after
// patience.
func (s *Service) Settle(ctx context.Context, patience time.Duration, tell func(string)) ([]link, error) {
	return s.settle(ctx, patience, 250*time.Millisecond, 1500*time.Millisecond, tell)
}

// settle looks at the links after every pause. The first end of a run that it sees may be that of one which began before the
// link was woken, so it waits for a second one; the API tells ends by the second, so a link is woken anew where none shows.
func (s *Service) settle(ctx context.Context, patience, pause, anew time.Duration, tell func(string)) ([]link, error) {
	deadline := time.Now().Add(patience)
	before, last := "", map[string]string{}
	ends, woken := map[string]int{}, map[string]time.Time{}
	for {
		var links []link
		status, err := s.call(ctx, http.MethodGet, "/api/v1/links", nil, &links)
		if err != nil {
			return nil, err
		}
		if status != http.StatusOK {
			return nil, fmt.Errorf("realdata: asking for links answers %d", status)
		}
		now, ran := "", len(links) > 0
		for _, l := range links {
			now += fmt.Sprintf("%s %s: %d synced, %d waiting, %d failing, %d excluded; ", l.Kind, l.State, l.Synced, l.Waiting, l.Failing, l.Excluded)
			end := ""
			if l.LastRun != nil {
				end = *l.LastRun
			}
			if was, known := last[l.ID]; known && was != end {
				ends[l.ID]++
			}
			last[l.ID] = end
			if l.State != "on" || ends[l.ID] >= 2 {
				continue
			}
			ran = false
			if time.Since(woken[l.ID]) >= anew {
				if _, err := s.call(ctx, http.MethodPost, "/api/v1/links/"+l.ID+"/run", nil, nil); err != nil {
					return nil, err
				}
				woken[l.ID] = time.Now()
			}
		}
		if now != before {
			tell(now)
			before = now
		} else if ran {
			return links, nil
		}
		if time.Now().After(deadline) {
			return links, fmt.Errorf("realdata: not settled after %v: %s", patience, now)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// standing is where one record stands in its link.
type standing struct {
	Record    string `json:"record"`
	Microsoft string `json:"microsoft_id"`
	State     string `json:"state"`
	Reason    string `json:"reason"`
	Detail    string `json:"detail"`
}

// Standings reads where every record of a link stands, by record.
func (s *Service) Standings(ctx context.Context, linkID string) (map[string]standing, error) {
	out := map[string]standing{}
	for page := 1; ; page++ {
		var list []standing
		status, err := s.call(ctx, http.MethodGet, fmt.Sprintf("/api/v1/links/%s/records?per_page=200&page=%d", linkID, page), nil, &list)
		if err != nil {
			return nil, err
		}
		if status != http.StatusOK {
			return nil, fmt.Errorf("realdata: asking where records stand answers %d", status)
		}
		for _, one := range list {
			out[one.Record] = one
		}
		if len(list) < 200 {
			return out, nil
		}
	}
}
