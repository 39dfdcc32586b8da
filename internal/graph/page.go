package graph

import (
	"bytes"
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tandem/internal/fault"
)

// A Page is what an answer with a list says besides the items. Links are verbatim.
type Page struct {
	Next  string // the next page; "" on the last
	Delta string // where the next round of a delta begins; on its last page only
	Count int    // all items of the collection, if that was asked for; else -1
	Items int    // on this page
}

// lenient takes what Graph may send: JSON as it is on the web. Names are compared as they are spelt.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// ReadPage walks through the items of a list in an answer, one at a time.
func ReadPage[T any](body []byte, each func(*T) error) (Page, error) {
	page := Page{Count: -1}
	dec := jsontext.NewDecoder(bytes.NewBuffer(body), lenient)
	if err := begin(dec, '{'); err != nil {
		return page, unreadable(err)
	}
	listed := false
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return page, unreadable(err)
		}
		switch name.String() {
		case "value":
			if err := begin(dec, '['); err != nil {
				return page, unreadable(err)
			}
			listed = true
			for kind := dec.PeekKind(); kind != ']' && kind != 0; kind = dec.PeekKind() {
				item := new(T)
				if err := json.UnmarshalDecode(dec, item); err != nil {
					return page, unreadable(err)
				}
				page.Items++
				if err := each(item); err != nil {
					return page, err
				}
			}
			_, err = dec.ReadToken()
		case "@odata.nextLink":
			err = json.UnmarshalDecode(dec, &page.Next)
		case "@odata.deltaLink":
			err = json.UnmarshalDecode(dec, &page.Delta)
		case "@odata.count":
			err = json.UnmarshalDecode(dec, &page.Count)
		default:
			err = dec.SkipValue()
		}
		if err != nil {
			return page, unreadable(err)
		}
	}
	if _, err := dec.ReadToken(); err != nil { // cut off before its end: no page at all
		return page, unreadable(err)
	}
	if !listed {
		return page, unreadable(fmt.Errorf("there is no list in it"))
	}
	return page, nil
}

func begin(dec *jsontext.Decoder, want jsontext.Kind) error {
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != want {
		return fmt.Errorf("%s where %s should be", token.Kind(), want)
	}
	return nil
}

func unreadable(err error) error {
	return fault.New(fault.Unavailable, "", "graph: a page that cannot be read: %w", err)
}

// maxPages bounds every walk through pages, as a nextLink may never end.
const maxPages = 10_000

// All walks through a list from its first page to its last.
func All[T any](ctx context.Context, m *Mailbox, first, prefer string, each func(*T) error) error {
	seen := ""
	for n, at := 0, first; at != ""; n++ {
		if n == maxPages || at == seen {
			return fault.New(fault.Broken, "", "graph: the pages of a list have no end")
		}
		r, err := m.Do(ctx, Get(at, prefer))
		if err != nil {
			return err
		}
		page, err := ReadPage(r.Body, each)
		if err != nil {
			return err
		}
		seen, at = at, page.Next
	}
	return nil
}

// One reads a single thing.
func One[T any](ctx context.Context, m *Mailbox, p Part) (T, Result, error) {
	var out T
	r, err := m.Do(ctx, p)
	if err == nil && len(r.Body) > 0 {
		err = Decode(r.Body, &out)
	}
	return out, r, err
}

// Decode reads an answer.
func Decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into, lenient); err != nil {
		return fault.New(fault.Unavailable, "", "graph: an answer that cannot be read: %w", err)
	}
	return nil
}
