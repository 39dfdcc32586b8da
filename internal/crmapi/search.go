package crmapi

import (
	"slices"
	"strings"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// maxFound is the most records that a search gives, over all its pages.
const maxFound = 2000

// search answers GET /{module}/search, by criteria, email, phone or word.
func (c *call) search() error {
	wanted, err := c.wanted()
	if err != nil {
		return err
	}
	if wanted == nil {
		return missingParam("criteria")
	}
	columns, err := c.columns(false)
	if err != nil {
		return err
	}
	p, err := c.paging()
	if err != nil {
		return err
	}
	var page []crm.Record
	skip := p.offset
	err = c.scan(wanted, func(r crm.Record) bool {
		if skip > 0 {
			skip--
			return true
		}
		page = append(page, r)
		return len(page) <= p.size && p.offset+len(page) < maxFound
	})
	if err != nil {
		return err
	}
	return c.answerPage(page, p, columns)
}

// sought is what a search looks for.
type sought struct {
	words string // asked of the store, so that it need not hand out everything
	fits  func(crm.Record) bool
	kind  record.Kind // "": that of the module
}

// wanted reads what to look for; nil: nothing was said.
func (c *call) wanted() (*sought, error) {
	q := c.r.URL.Query()
	switch {
	case q.Get("criteria") != "":
		fits, err := c.criteria(q.Get("criteria"))
		return &sought{fits: fits}, err
	case q.Get("email") != "":
		address := strings.ToLower(q.Get("email"))
		words, own := address, c.own(record.Email)
		if len(own) > 0 {
			words = "" // the store's index does not know of them
		}
		return &sought{words: words, fits: func(r crm.Record) bool {
			return equalFold(r, address, record.EmailField, record.SecondaryEmail) || equalFold(r, address, own...)
		}}, nil
	case q.Get("phone") != "":
		digits := onlyDigits(q.Get("phone"))
		if digits == "" {
			return nil, invalidParam("phone")
		}
		numbers := append(slices.Clip(phones), c.own(record.Phone)...)
		return &sought{fits: func(r crm.Record) bool {
			return slices.ContainsFunc(numbers, func(f record.Field) bool {
				return strings.Contains(onlyDigits(string(r.Fields[f])), digits)
			})
		}}, nil
	case q.Get("word") != "":
		return &sought{words: q.Get("word"), fits: func(crm.Record) bool { return true }}, nil
	}
	return nil, nil
}

// own are the organization's own fields of a type.
func (c *call) own(t record.Type) (out []record.Field) {
	for _, d := range c.module.schema.Own() {
		if d.Type == t {
			out = append(out, d.Name)
		}
	}
	return out
}

var phones = []record.Field{
	record.PhoneField, record.HomePhone, record.OtherPhone, record.Mobile, record.AsstPhone, record.Fax,
}

func equalFold(r crm.Record, value string, fields ...record.Field) bool {
	return slices.ContainsFunc(fields, func(f record.Field) bool { return strings.EqualFold(string(r.Fields[f]), value) })
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// scanPage is how many records are looked through at a time.
const scanPage = 1000

// scan goes through the records that fit, latest id first, until found says that it is enough.
func (c *call) scan(s *sought, found func(crm.Record) bool) error {
	query := crm.Query{Search: s.words, Sort: crm.ByID, Descending: true, Limit: scanPage}
	kind := s.kind
	if kind == "" {
		kind = c.module.kind
	}
	for {
		page, err := c.CRM.List(c.r.Context(), c.actor, kind, query)
		if err != nil {
			return err
		}
		for _, r := range page {
			if s.fits(r) && !found(r) {
				return nil
			}
		}
		if len(page) < scanPage {
			return nil
		}
		query.Offset += scanPage
	}
}
