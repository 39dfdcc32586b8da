package crmapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"tandem/internal/crm"
)

// The limits of lists (zoho-crm.md §2).
const (
	maxPage     = 200    // records on a page
	maxByNumber = 2000   // records that page numbers reach; beyond, page_token goes on
	maxByToken  = 100000 // records that page tokens reach
	maxFields   = 50     // names in fields
	tokenLife   = 24 * time.Hour
)

// paging is where a list is.
type paging struct {
	number, size int
	offset       int
	sort         crm.Sort
	order        string
	bound        string // what a page token is bound to: the user and all other parameters
}

// pageToken is what a page token says; it is no secret, and made up it gives nothing that a page number doesn't.
type pageToken struct {
	Number  int    `json:"n"`
	Expires int64  `json:"x"`
	Bound   string `json:"b"`
}

// paging reads page, per_page, page_token, sort_by and sort_order.
func (c *call) paging() (p paging, err error) {
	q := c.r.URL.Query()
	p.number, p.size = 1, maxPage
	if p.size, err = number(q, "per_page", maxPage, maxPage); err != nil {
		return p, err
	}
	if p.number, err = number(q, "page", 1, maxByToken); err != nil {
		return p, err
	}
	p.sort, p.order = crm.ByID, "desc"
	switch by := q.Get("sort_by"); by {
	case "", "id":
	case "Created_Time", "Modified_Time":
		p.sort = crm.Sort(by)
	default:
		return p, invalidParam("sort_by")
	}
	switch order := q.Get("sort_order"); order {
	case "", "desc":
	case "asc":
		p.order = order
	default:
		return p, invalidParam("sort_order")
	}
	p.bound = c.bound(q)
	if text := q.Get("page_token"); text != "" {
		if q.Has("page") {
			return p, problem{status: 400, code: "AMBIGUITY_DURING_PROCESSING", message: "either page or page_token, not both",
				details: object{"ambiguity_due_to": []object{{"param_name": "page"}, {"param_name": "page_token"}}}}
		}
		if p.number, err = p.token(text, c.Now()); err != nil {
			return p, err
		}
	} else if p.number*p.size > maxByNumber && p.number > 1 {
		return p, problem{status: 400, code: "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
			message: "records beyond the first 2000 are reached with page_token", details: object{"limit": maxByNumber}}
	}
	p.offset = (p.number - 1) * p.size
	if p.offset+p.size > maxByToken {
		return p, problem{status: 400, code: "PAGINATION_LIMIT_EXCEEDED",
			message: "no more than 100000 records can be listed", details: object{"limit": maxByToken}}
	}
	return p, nil
}

// number reads a parameter from 1 to most.
func number(q url.Values, name string, otherwise, most int) (int, error) {
	text := q.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, invalidParam(name)
	}
	return n, nil
}

func invalidParam(name string) error {
	return problem{status: 400, code: "INVALID_DATA", message: "invalid data", details: object{"api_name": name, "param_name": name}}
}

func missingParam(name string) error {
	return problem{status: 400, code: "REQUIRED_PARAM_MISSING", message: "One of the expected parameter is missing",
		details: object{"param_name": name}}
}

// bound is a short mark of the user, the path and every parameter but those that say which page.
func (c *call) bound(q url.Values) string {
	rest := url.Values{}
	for name, values := range q {
		if name != "page" && name != "page_token" {
			rest[name] = values
		}
	}
	sum := sha256.Sum256([]byte(c.user.ID.String() + "\n" + c.r.URL.Path + "\n" + rest.Encode()))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

func (p paging) token(text string, now time.Time) (int, error) {
	var t pageToken
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(raw, &t) != nil || t.Number < 1 || t.Number > maxByToken {
		return 0, invalidParam("page_token")
	}
	switch {
	case t.Bound != p.bound:
		return 0, problem{status: 400, code: "TOKEN_BOUND_DATA_MISMATCH",
			message: "the page token belongs to another user or other parameters", details: object{"param_name": "page_token"}}
	case now.Unix() >= t.Expires:
		return 0, problem{status: 400, code: "EXPIRED_VALUE", message: "the page token has expired",
			details: object{"param_name": "page_token"}}
	}
	return t.Number, nil
}

// info is what a list says about itself.
func (c *call) info(p paging, count int, more bool) object {
	info := object{
		"per_page": p.size, "count": count, "page": p.number, "more_records": more,
		"sort_by": string(p.sort), "sort_order": p.order,
		"next_page_token": nil, "previous_page_token": nil, "page_token_expiry": nil,
	}
	expires := c.Now().Add(tokenLife)
	token := func(n int) string {
		raw, _ := json.Marshal(pageToken{Number: n, Expires: expires.Unix(), Bound: p.bound})
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	if more {
		info["next_page_token"] = token(p.number + 1)
	}
	if p.number > 1 {
		info["previous_page_token"] = token(p.number - 1)
	}
	if more || p.number > 1 {
		info["page_token_expiry"] = c.time(expires)
	}
	return info
}
