package realdata

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// What is asked of Microsoft Graph: immutable ids, as sync uses them; times in UTC; bodies as text.
var prefer = []string{
	"Prefer", `IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"`,
}

const (
	eventFields = "id,subject,start,end,isAllDay,location,body,categories,isReminderOn,reminderMinutesBeforeStart,recurrence,originalStartTimeZone,originalEndTimeZone,showAs,sensitivity,importance,type"
	pageSize    = "200"
)

// Items reads every event of all calendars, or every contact of all folders, by id: what Outlook really holds.
func (s *Service) Items(ctx context.Context, module string) (map[string]map[string]any, error) {
	containers, inside, query := "/me/calendars", "/events", "?$top="+pageSize+"&$select="+url.QueryEscape(eventFields)
	if module == "Contacts" {
		containers, inside, query = "/me/contactFolders", "/contacts", "?$top="+pageSize
	}
	out := map[string]map[string]any{}
	folders, err := s.list(ctx, containers)
	if err != nil {
		return nil, err
	}
	for _, folder := range folders {
		items, err := s.list(ctx, containers+"/"+url.PathEscape(str(folder["id"]))+inside+query)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			out[str(item["id"])] = item
		}
	}
	return out, nil
}

// Occurrences are the starts of a series' occurrences in [from, to), at most most, as Outlook reckons them.
func (s *Service) Occurrences(ctx context.Context, id string, from, to time.Time) ([]time.Time, error) {
	items, err := s.list(ctx, fmt.Sprintf("/me/events/%s/instances?$top=%s&$select=start&startDateTime=%s&endDateTime=%s",
		url.PathEscape(id), pageSize, from.UTC().Format("2006-01-02T15:04:05Z"), to.UTC().Format("2006-01-02T15:04:05Z")))
	var out []time.Time
	for _, item := range items {
		at, _, ok := graphTime(item["start"])
		if !ok {
			return nil, fmt.Errorf("realdata: an occurrence without a start: %v", item)
		}
		if !at.Before(from) && at.Before(to) {
			out = append(out, at)
		}
	}
	return out, err
}

// list reads all pages.
func (s *Service) list(ctx context.Context, address string) ([]map[string]any, error) {
	var out []map[string]any
	for address != "" {
		var page struct {
			Value []map[string]any `json:"value"`
			Next  string           `json:"@odata.nextLink"`
			Error struct{ Code, Message string }
		}
		status, err := s.call(ctx, http.MethodGet, address, nil, &page, prefer...)
		if err != nil {
			return nil, err
		}
		if status != http.StatusOK {
			return nil, fmt.Errorf("realdata: Graph answers %d %s to %s", status, page.Error.Code, address)
		}
		out = append(out, page.Value...)
		address = page.Next
	}
	return out, nil
}

// graphTime reads a dateTimeTimeZone in UTC.
func graphTime(v any) (at time.Time, zone string, ok bool) {
	o, _ := v.(map[string]any)
	at, err := time.Parse("2006-01-02T15:04:05.9999999", str(o["dateTime"]))
	return at, str(o["timeZone"]), err == nil
}
