package crmapi

import (
	"net/http"
	"strings"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// list answers GET /{module}.
func (c *call) list() error {
	q := c.r.URL.Query()
	if q.Has("cvid") { // there are no custom views
		if q.Has("sort_by") {
			return problem{status: 400, code: "AMBIGUITY_DURING_PROCESSING", message: "either cvid or sort_by, not both",
				details: object{"ambiguity_due_to": []object{{"param_name": "cvid"}, {"param_name": "sort_by"}}}}
		}
		return invalidParam("cvid")
	}
	columns, err := c.columns(!q.Has("ids"))
	if err != nil {
		return err
	}
	p, err := c.paging()
	if err != nil {
		return err
	}
	query := crm.Query{Sort: p.sort, Descending: p.order == "desc", Limit: p.size + 1, Offset: p.offset}
	if q.Has("ids") {
		if query.IDs, err = c.ids(maxWrite); err != nil {
			return err
		}
	}
	since, err := c.header("If-Modified-Since")
	if err != nil {
		return err
	}
	if !since.IsZero() {
		query.ModifiedSince = since.Add(time.Second) // times are told in whole seconds
	}
	for name, into := range map[string]*time.Time{"startDateTime": &query.From, "endDateTime": &query.To} {
		if text := q.Get(name); text != "" {
			if *into, err = time.Parse(time.RFC3339, text); err != nil {
				return invalidParam(name)
			}
		}
	}
	page, err := c.CRM.List(c.r.Context(), c.actor, c.module.kind, query)
	if err != nil {
		return err
	}
	if len(page) == 0 && !since.IsZero() {
		return c.empty(http.StatusNotModified)
	}
	return c.answerPage(page, p, columns)
}

// answerPage answers with a page that may hold one record more than it is to show.
func (c *call) answerPage(page []crm.Record, p paging, columns []column) error {
	if len(page) == 0 {
		return c.empty(http.StatusNoContent)
	}
	more := len(page) > p.size
	page = page[:min(len(page), p.size)]
	c.meetAll(page, columns)
	data := make([]object, len(page))
	for i, r := range page {
		data[i] = c.show(r, columns)
	}
	return c.answer(http.StatusOK, object{"data": data, "info": c.info(p, len(page), more)})
}

// show tells a record. The id is always there.
func (c *call) show(r crm.Record, columns []column) object {
	out := object{"id": r.ID.String()}
	for _, col := range columns {
		out[col.name] = col.value(c, r)
		if col.name == string(record.WhatID) {
			module, _ := splitRelated(r.Fields[record.WhatID])
			out[keyModule] = orNull(module)
		}
	}
	return out
}

// one answers GET /{module}/{id}.
func (c *call) one() error {
	r, err := c.stored()
	if err != nil {
		return err
	}
	columns, err := c.columns(false)
	if err != nil {
		return err
	}
	since, err := c.header("If-Modified-Since")
	if err != nil {
		return err
	}
	if !since.IsZero() && !r.ModifiedAt.Truncate(time.Second).After(since) {
		return c.empty(http.StatusNotModified)
	}
	c.meetAll([]crm.Record{r}, columns)
	return c.answer(http.StatusOK, object{"data": []object{c.show(r, columns)}})
}

// stored finds the record that the path names.
func (c *call) stored() (crm.Record, error) {
	id, ok := record.ParseID(c.args["id"])
	if !ok {
		return crm.Record{}, fault.New(fault.NotFound, "", "crmapi: %q is not an id", c.args["id"])
	}
	return c.CRM.Get(c.r.Context(), c.actor, c.module.kind, id)
}

// columns are those that the parameter fields names; without it, all. Names that do not exist are passed over.
func (c *call) columns(mandatory bool) ([]column, error) {
	text := c.r.URL.Query().Get("fields")
	if text == "" {
		if mandatory {
			return nil, missingParam("fields")
		}
		return c.module.columns, nil
	}
	names := strings.Split(text, ",")
	if len(names) > maxFields {
		return nil, problem{status: 400, code: "LIMIT_EXCEEDED", message: "more fields than a list takes",
			details: object{"param_name": "fields", "limit": maxFields}}
	}
	var out []column
	for _, name := range names {
		if col, ok := c.module.byName[strings.TrimSpace(name)]; ok {
			out = append(out, col)
		}
	}
	return out, nil
}

// ids reads the parameter ids. What is not an id becomes 0, which no record has.
func (c *call) ids(most int) ([]record.ID, error) {
	text := c.r.URL.Query().Get("ids")
	if text == "" {
		return nil, missingParam("ids")
	}
	parts := strings.Split(text, ",")
	if len(parts) > most {
		return nil, problem{status: 400, code: "LIMIT_EXCEEDED", message: "more ids than one call takes",
			details: object{"param_name": "ids", "limit": most}}
	}
	ids := make([]record.ID, len(parts))
	for i, part := range parts {
		ids[i], _ = record.ParseID(strings.TrimSpace(part))
	}
	return ids, nil
}

// header reads a header that holds a time, ISO 8601 or as HTTP writes it; zero: there is none.
func (c *call) header(name string) (time.Time, error) {
	text := c.r.Header.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC(), nil
	}
	if t, err := http.ParseTime(text); err == nil {
		return t.UTC(), nil
	}
	return time.Time{}, problem{status: 400, code: "INVALID_DATA", message: "invalid data",
		details: object{"api_name": name, "expected_data_type": "datetime"}}
}

// count answers GET /{module}/actions/count.
func (c *call) count() error {
	wanted, err := c.wanted()
	if err != nil {
		return err
	}
	if wanted == nil {
		n, err := c.CRM.Count(c.r.Context(), c.actor, c.module.kind, crm.Query{})
		if err != nil {
			return err
		}
		return c.answer(http.StatusOK, object{"count": n})
	}
	n, err := 0, error(nil)
	err = c.scan(wanted, func(crm.Record) bool { n++; return true })
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, object{"count": n})
}

// The windows in which deletions can be asked for (zoho-crm.md §2).
const (
	binWindow  = crm.BinAge
	goneWindow = 2 * crm.BinAge
)

// deleted answers GET /{module}/deleted.
func (c *call) deleted() error {
	kind := c.r.URL.Query().Get("type")
	switch kind {
	case "", "all", "recycle", "permanent":
	default:
		return invalidParam("type")
	}
	p, err := c.paging()
	if err != nil {
		return err
	}
	asked, err := c.header("If-Modified-Since")
	if err != nil {
		return err
	}
	since := c.Now().Add(-goneWindow)
	if !asked.IsZero() && asked.Add(time.Second).After(since) {
		since = asked.Add(time.Second)
	}
	var data []object
	skip := p.offset
	for offset := 0; len(data) <= p.size; offset += maxPage {
		stones, err := c.CRM.Deleted(c.r.Context(), c.actor, c.module.kind, since, maxPage, offset)
		if err != nil {
			return err
		}
		for _, s := range stones {
			if s.Permanent && kind == "recycle" || !s.Permanent && kind == "permanent" ||
				!s.Permanent && s.DeletedAt.Before(c.Now().Add(-binWindow)) {
				continue
			}
			if skip > 0 {
				skip--
				continue
			}
			data = append(data, c.stone(s))
		}
		if len(stones) < maxPage {
			break
		}
	}
	if len(data) == 0 {
		if !asked.IsZero() {
			return c.empty(http.StatusNotModified)
		}
		return c.empty(http.StatusNoContent)
	}
	more := len(data) > p.size
	data = data[:min(len(data), p.size)]
	return c.answer(http.StatusOK, object{"data": data, "info": object{
		"per_page": p.size, "count": len(data), "page": p.number, "more_records": more}})
}

// stone tells of a deleted record; of one destroyed for good little is said.
func (c *call) stone(s crm.Tombstone) object {
	out := object{
		"id": s.ID.String(), "type": "permanent", "deleted_time": c.time(s.DeletedAt),
		"display_name": nil, "deleted_by": nil, "created_by": nil,
	}
	if !s.Permanent {
		out["type"], out["display_name"] = "recycle", orNull(s.Name)
		out["deleted_by"], out["created_by"] = c.person(s.DeletedBy), c.person(s.CreatedBy)
	}
	return out
}
