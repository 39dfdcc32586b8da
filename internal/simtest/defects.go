package simtest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/outlook"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// A defect is a broken engine: the real one with one thing wrong, by a double before one of its parts.
type defect struct {
	name, what string
	ledger     func(w *world, l reconcile.Ledger) reconcile.Ledger
	books      func(w *world, l reconcile.Ledger) reconcile.Ledger // within the effects: where a transaction is
	microsoft  func(w *world, link *reconcile.Link, s reconcile.Side) reconcile.Side
	crm        func(w *world, link *reconcile.Link, s reconcile.Side) reconcile.Side
	album      func(a outlook.Album) outlook.Album
	wire       func(w *world, next http.RoundTripper) http.RoundTripper
}

func defectNamed(name string) *defect {
	all := slices.Concat(defects, sound)
	at := slices.IndexFunc(all, func(d *defect) bool { return d.name == name })
	if at < 0 {
		return nil
	}
	return all[at]
}

func onLedger(name, what string, d func(w *world) ledgerDouble) *defect {
	return &defect{name: name, what: what, ledger: func(w *world, l reconcile.Ledger) reconcile.Ledger {
		double := d(w)
		double.Ledger = l
		return double
	}}
}

func onMicrosoft(name, what string, d func(w *world, link *reconcile.Link, s reconcile.Side) sideDouble) *defect {
	return &defect{name: name, what: what, microsoft: func(w *world, link *reconcile.Link, s reconcile.Side) reconcile.Side {
		double := d(w, link, s)
		double.Side = s
		if gallery, ok := s.(reconcile.Gallery); ok {
			return galleryDouble{double, gallery}
		}
		return double
	}}
}

func onCRM(name, what string, d func(w *world, link *reconcile.Link, s reconcile.Side) sideDouble) *defect {
	return &defect{name: name, what: what, crm: func(w *world, link *reconcile.Link, s reconcile.Side) reconcile.Side {
		double := d(w, link, s)
		double.Side = s
		return crmDouble{double}
	}}
}

func onWire(name, what string, d wireDouble) *defect {
	return &defect{name: name, what: what, wire: func(_ *world, next http.RoundTripper) http.RoundTripper {
		double := d
		double.next = next
		return double
	}}
}

// changed has the changes of each page go through f, which tells what of each is told.
func changed(f func(c *record.Change) bool) func(context.Context, *record.Page, *error) {
	return func(_ context.Context, page *record.Page, _ *error) {
		var kept []record.Change
		for _, c := range page.Changes {
			if f(&c) {
				kept = append(kept, c)
			}
		}
		page.Changes = kept
	}
}

// heard has each change go through f, whether it is told or asked for.
func heard(f func(c *record.Change)) sideDouble {
	return sideDouble{changes: changed(func(c *record.Change) bool { f(c); return true }), read: func(_ context.Context, _ []record.Ref, out *[]record.Change, _ *error) {
		for i := range *out {
			f(&(*out)[i])
		}
	}}
}

func settled(f func(e *reconcile.Entry)) func(*world) ledgerDouble {
	return func(*world) ledgerDouble {
		return ledgerDouble{settle: func(_ *reconcile.Link, _ *int64, entries []reconcile.Entry) []reconcile.Entry {
			for i := range entries {
				f(&entries[i])
			}
			return entries
		}}
	}
}

func written(f func(w *record.Write)) func(context.Context, []record.Write) []record.Write {
	return func(_ context.Context, writes []record.Write) []record.Write {
		for i := range writes {
			f(&writes[i])
		}
		return writes
	}
}

// takenForDone makes a write that failed in some way look as if it had been made.
func takenForDone(in func(error) bool) func(context.Context, []record.Write, []record.Outcome, *error) {
	return func(_ context.Context, writes []record.Write, out []record.Outcome, err *error) {
		for i := range out {
			if out[i].Err != nil && in(out[i].Err) && writes[i].Op != record.Create {
				out[i] = record.Outcome{Ref: writes[i].Ref, Version: writes[i].Version}
			}
		}
	}
}

func kind(k fault.Kind) func(error) bool { return func(err error) bool { return fault.Is(err, k) } }

// atTheirVersion reads the version that an item has by now and writes over that.
func atTheirVersion(s reconcile.Side) func(context.Context, []record.Write) []record.Write {
	return func(ctx context.Context, writes []record.Write) []record.Write {
		for i, w := range writes {
			if w.Op == record.Create {
				continue
			}
			if now, err := s.Read(ctx, []record.Ref{w.Ref}); err == nil && len(now) == 1 && now[0].State == record.Present {
				writes[i].Version = now[0].Version
			}
		}
		return writes
	}
}

// late has writes wait, so that people can get between a plan and its write. That alone breaks nothing: see sound. Creates do
// not wait: a run that loses its lease within the wait would make what its successor makes too, as no version refuses it.
func late(w *world) func(context.Context, []record.Write) []record.Write {
	return func(ctx context.Context, writes []record.Write) []record.Write {
		if !slices.ContainsFunc(writes, func(w record.Write) bool { return w.Op == record.Create }) {
			_ = w.sleep(ctx, 10*time.Second) // a process that died meanwhile finds out with the write
		}
		return writes
	}
}

var (
	markText    = regexp.MustCompile(`,?"singleValueExtendedProperties":\[\{[^]]*TandemToken[^]]*\]`)
	ifMatchText = regexp.MustCompile(`,"If-Match":"(\\.|[^"\\])*"`)
	retryText   = regexp.MustCompile(`"Retry-After":"[^"]*",?`)
)

func isPost(req *http.Request) bool { return req.Method == http.MethodPost }

// newItems are requests for new contacts, as they stand in a batch.
var newItems = regexp.MustCompile(`("method":"POST","url":"/users/[^/"]+)/contactFolders/[^/"]+(/contacts")`)

func swapPath(from, to string) func(req *http.Request, body []byte) []byte {
	return func(req *http.Request, body []byte) []byte {
		u := *req.URL
		u.Path = strings.ReplaceAll(u.Path, from, to)
		u.RawPath = ""
		req.URL = &u
		return body
	}
}

// sound are doubles that help broken engines to be seen, and break nothing: no check may fail because of them.
var sound = []*defect{
	onMicrosoft("late at Microsoft", "writes wait", func(w *world, _ *reconcile.Link, _ reconcile.Side) sideDouble { return sideDouble{writes: late(w)} }),
	onCRM("late in the CRM", "writes wait", func(w *world, _ *reconcile.Link, _ reconcile.Side) sideDouble { return sideDouble{writes: late(w)} }),
}

// defects are the broken engines.
var defects = []*defect{
	// The ledger.
	onLedger("intents are not stored", "creates leave without a durable token", func(*world) ledgerDouble {
		return ledgerDouble{intend: func([]reconcile.Intent) bool { return true }}
	}),
	onLedger("open intents are not looked for", "recovery forgets what was on its way", func(*world) ledgerDouble { return ledgerDouble{intents: true} }),
	onLedger("intents are never forgotten", "settling leaves the batch open", func(*world) ledgerDouble {
		return ledgerDouble{settle: func(_ *reconcile.Link, batch *int64, entries []reconcile.Entry) []reconcile.Entry {
			*batch = 0
			return entries
		}}
	}),
	onLedger("the last entry of a settle is lost", "one pair is not remembered", func(*world) ledgerDouble {
		return ledgerDouble{settle: func(_ *reconcile.Link, _ *int64, entries []reconcile.Entry) []reconcile.Entry {
			return entries[:max(0, len(entries)-1)]
		}}
	}),
	onLedger("bases are not remembered", "pairs know of nothing that was agreed on", settled(func(e *reconcile.Entry) { e.Pair.Base = nil })),
	onLedger("a base stays what it was", "the base is not advanced with the versions", func(w *world) ledgerDouble {
		return ledgerDouble{settle: func(l *reconcile.Link, _ *int64, entries []reconcile.Entry) []reconcile.Entry {
			for i, e := range entries {
				for _, p := range w.books.pairs(l.ID) {
					if p.ID == e.Pair.ID && len(p.Base) > 0 {
						entries[i].Pair.Base = p.Base
					}
				}
			}
			return entries
		}}
	}),
	onLedger("the CRM's version is not remembered", "a record counts as changed for ever", settled(func(e *reconcile.Entry) { e.Pair.CRMVersion = "0" })),
	onLedger("Microsoft's version is not remembered", "sync takes its own echo for news", settled(func(e *reconcile.Entry) { e.Pair.MicrosoftVersion = `W/"0"` })),
	onLedger("what lost is not in the history", "a conflict's loser is gone", settled(func(e *reconcile.Entry) {
		e.History = slices.Clone(e.History)
		for i := range e.History {
			e.History[i].Lost = nil
		}
	})),
	onLedger("questions are forgotten", "a conflict is neither decided nor asked about", settled(func(e *reconcile.Entry) { e.Pair.Ask = nil })),
	onLedger("tokens are forgotten", "pairs do not know the mark of their item, and sync makes another", settled(func(e *reconcile.Entry) {
		if e.Pair.State == reconcile.Intended {
			e.Pair.Token = "0-lost"
		}
	})),
	onLedger("parked pairs are not tried again", "what failed once stays so", func(*world) ledgerDouble {
		return ledgerDouble{state: func(s reconcile.PairState) bool { return s == reconcile.Parked }}
	}),
	onLedger("unknown creates are not resolved", "nobody looks what became of them", func(*world) ledgerDouble {
		return ledgerDouble{state: func(s reconcile.PairState) bool { return s == reconcile.Intended }}
	}),
	onLedger("waiting deletions are not carried out", "they wait for ever", func(*world) ledgerDouble {
		return ledgerDouble{state: func(s reconcile.PairState) bool { return s == reconcile.Waiting }}
	}),
	onLedger("the brake always has a yes", "deletions are never asked about", func(*world) ledgerDouble {
		return ledgerDouble{open: func(l *reconcile.Link) { l.DeletesOK = true }, found: allAgreed}
	}),
	onLedger("a link that goes one way goes both", "which way a person wants is not looked at", func(*world) ledgerDouble {
		return ledgerDouble{open: func(l *reconcile.Link) { l.Policy.Direction = mapping.BothWays }}
	}),
	{name: "the fence is not checked", what: "whoever lost the lease commits all the same", books: func(w *world, l reconcile.Ledger) reconcile.Ledger {
		return ledgerDouble{Ledger: l, before: func(_ context.Context, l *reconcile.Link) { l.Fence = w.books.link(l.ID).Fence }}
	}},
	onLedger("pairs are not found by their item", "a known item counts as new", func(*world) ledgerDouble {
		return ledgerDouble{pairs: func(side reconcile.Where, out map[record.Ref]reconcile.Pair) {
			if side == reconcile.InMicrosoft {
				clear(out)
			}
		}}
	}),
	onLedger("pairs are not found by their record", "a known record counts as new", func(*world) ledgerDouble {
		return ledgerDouble{pairs: func(side reconcile.Where, out map[record.Ref]reconcile.Pair) {
			if side == reconcile.InCRM {
				clear(out)
			}
		}}
	}),

	// The side at Microsoft.
	onMicrosoft("Microsoft's cursor comes before its effects", "a cursor is stored before what it passes is settled", func(w *world, link *reconcile.Link, _ reconcile.Side) sideDouble {
		return sideDouble{changes: func(ctx context.Context, page *record.Page, err *error) {
			if *err == nil && !page.More {
				link.Microsoft = page.Next
				if e := w.ledger().Advance(ctx, link); e != nil {
					*err = e
				}
			}
		}}
	}),
	onMicrosoft("the last item of a page is not read", "a page is read one item short", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{changes: func(_ context.Context, page *record.Page, _ *error) {
			page.Changes = page.Changes[:max(0, len(page.Changes)-1)]
		}}
	}),
	onMicrosoft("deletions at Microsoft are not heard", "@removed is passed over", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{changes: func(ctx context.Context, page *record.Page, err *error) {
			changed(func(c *record.Change) bool { return c.State == record.Present })(ctx, page, err)
			page.Listing = nil
		}}
	}),
	onMicrosoft("an expired cursor is passed over", "410 ends the round without a new beginning", func(_ *world, link *reconcile.Link, _ reconcile.Side) sideDouble {
		return sideDouble{changes: func(_ context.Context, page *record.Page, err *error) {
			if fault.ReasonOf(*err) == fault.CursorExpired {
				*page, *err = record.Page{Next: link.Microsoft}, nil
			}
		}}
	}),
	onMicrosoft("a failed reading is a deletion", "absence is taken for a deletion", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{read: func(_ context.Context, refs []record.Ref, out *[]record.Change, err *error) {
			if *err != nil && !fault.Is(*err, fault.Conflict) {
				*out, *err = nil, nil
				for _, ref := range refs {
					*out = append(*out, record.Change{Ref: ref, State: record.Gone})
				}
			}
		}}
	}),
	onMicrosoft("an item that was moved counts as deleted", "its record is deleted in the CRM", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		left := func(c *record.Change) bool {
			if c.State == record.Left {
				c.State = record.Gone
			}
			return true
		}
		return sideDouble{changes: changed(left), read: func(_ context.Context, _ []record.Ref, out *[]record.Change, _ *error) {
			for i := range *out {
				left(&(*out)[i])
			}
		}}
	}),
	onMicrosoft("items are not found by their mark", "a create whose answer was lost is made again", func(*world, *reconcile.Link, reconcile.Side) sideDouble { return sideDouble{find: true} }),
	onMicrosoft("marks are not read", "an item whose pair was lost is a stranger", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{
			changes: changed(func(c *record.Change) bool { c.Token, c.TokenRead = "", true; return true }),
			read: func(_ context.Context, _ []record.Ref, out *[]record.Change, _ *error) {
				for i := range *out {
					(*out)[i].Token, (*out)[i].TokenRead = "", true
				}
			},
		}
	}),
	onMicrosoft("writes at Microsoft go over newer versions", "the version is read right before, and not planned on", func(_ *world, _ *reconcile.Link, s reconcile.Side) sideDouble {
		return sideDouble{writes: atTheirVersion(s)}
	}),
	onMicrosoft("an unknown outcome counts as done", "the base is advanced on send", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{done: takenForDone(kind(fault.Unavailable))}
	}),
	onMicrosoft("a conflict at Microsoft counts as done", "412 is passed over", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{done: takenForDone(kind(fault.Conflict))}
	}),
	onMicrosoft("a throttled write counts as done", "429 is passed over", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{done: takenForDone(kind(fault.Throttled))}
	}),
	onMicrosoft("writing what is gone counts as done", "404 on a PATCH is passed over", func(w *world, _ *reconcile.Link, s reconcile.Side) sideDouble {
		return sideDouble{writes: late(w), done: func(ctx context.Context, writes []record.Write, out []record.Outcome, _ *error) {
			for i := range out {
				if writes[i].Op != record.Update || !fault.Is(out[i].Err, fault.Conflict) { // the client takes a 404 for a version that has moved
					continue
				}
				if now, err := s.Read(ctx, []record.Ref{writes[i].Ref}); err == nil && now[0].State == record.Gone {
					out[i] = record.Outcome{Ref: writes[i].Ref, Version: writes[i].Version}
				}
			}
		}}
	}),
	onMicrosoft("a value is cut on its way out", "long values lose their end", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{writes: written(func(w *record.Write) {
			if v := w.Fields["department"]; len(v) > 2 {
				w.Fields = w.Fields.With(record.Fields{"department": v[:len(v)-1]})
			}
		})}
	}),
	onMicrosoft("a field is not sent", "one field of an edit is left out", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{writes: written(func(w *record.Write) {
			if _, ok := w.Fields["assistantName"]; ok {
				w.Fields = w.Fields.Clone()
				delete(w.Fields, "assistantName")
			}
		})}
	}),
	onMicrosoft("two items on a page change places", "values come to the wrong record", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{changes: func(_ context.Context, page *record.Page, _ *error) {
			if n := len(page.Changes); n > 1 {
				page.Changes[0].Fields, page.Changes[n-1].Fields = page.Changes[n-1].Fields, page.Changes[0].Fields
			}
		}}
	}),
	onMicrosoft("switching off reads nothing before", "the folder goes with what was typed a second ago", func(_ *world, link *reconcile.Link, _ reconcile.Side) sideDouble {
		return sideDouble{changes: func(_ context.Context, page *record.Page, err *error) {
			if link.State == reconcile.Switching && *err == nil {
				page.Changes = nil
			}
		}, read: func(_ context.Context, refs []record.Ref, out *[]record.Change, err *error) {
			if link.State == reconcile.Switching && *err == nil {
				for i := range *out {
					(*out)[i] = record.Change{Ref: refs[i], State: record.Gone}
				}
			}
		}}
	}),

	onMicrosoft("a photo counts as sent before it was", "its hash is agreed on, and it is left out of the write", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{writes: written(func(w *record.Write) {
			if _, ok := w.Fields["photo"]; ok {
				w.Fields = w.Fields.Clone()
				delete(w.Fields, "photo")
			}
		})}
	}),
	onMicrosoft("photos in Outlook are not looked at", "what is put there is not told, and is not asked for", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{pictures: func(seen map[record.Ref]record.Fields) { clear(seen) }}
	}),
	onMicrosoft("a contact whose photo cannot be told has none", "what is absent is taken for empty", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{pictures: func(seen map[record.Ref]record.Fields) {
			for ref := range seen {
				seen[ref] = record.Fields{"photo": ""}
			}
		}}
	}),
	{name: "photos on their way are not noted", what: "what Exchange makes of one is taken for another one", album: func(a outlook.Album) outlook.Album { return forgetful{a} }},

	onMicrosoft("what single occurrences have of their own is not sent", "a write to a series is without its exceptions", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{writes: written(func(w *record.Write) {
			if _, ok := w.Fields["exceptions"]; ok {
				w.Fields = w.Fields.Clone()
				delete(w.Fields, "exceptions")
			}
		})}
	}),
	onMicrosoft("a series of other times is not told again of its occurrences", "what Exchange forgets with the times is taken back", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{writes: written(func(w *record.Write) {
			if _, ok := w.Fields["start"]; ok && w.Op == record.Update {
				w.Fields = w.Fields.With(record.Fields{"exdates": "", "exceptions": ""})
			}
		})}
	}),
	onMicrosoft("deleted occurrences are not heard", "what is left out of a series in Outlook is passed over", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return heard(func(c *record.Change) {
			if c.Fields["exdates"] != "" {
				c.Fields = c.Fields.With(record.Fields{"exdates": ""})
			}
		})
	}),
	onMicrosoft("an exception counts as an edit of its series", "the place of one occurrence is that of all", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return heard(func(c *record.Change) {
			for _, o := range record.Occurrences(c.Fields["exceptions"]) {
				if place := o.Fields["location"]; place != "" {
					c.Fields = c.Fields.With(record.Fields{"location": place})
				}
			}
		})
	}),

	// The side in the CRM.
	onCRM("the CRM's cursor comes before its effects", "a cursor is stored before what it passes is settled", func(w *world, link *reconcile.Link, _ reconcile.Side) sideDouble {
		return sideDouble{changes: func(ctx context.Context, page *record.Page, err *error) {
			if *err == nil {
				early := *link
				early.CRM = page.Next
				if e := w.ledger().Advance(ctx, &early); e != nil {
					*err = e
				}
			}
		}}
	}),
	onCRM("the last record of a page is not read", "a page is read one record short", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{changes: func(_ context.Context, page *record.Page, _ *error) {
			page.Changes = page.Changes[:max(0, len(page.Changes)-1)]
		}}
	}),
	onCRM("deletions in the CRM are not heard", "a record in the bin is passed over", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{changes: changed(func(c *record.Change) bool { return c.State != record.Gone })}
	}),
	onCRM("departures are not heard", "a record that was given away is passed over", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{changes: changed(func(c *record.Change) bool { return c.State != record.Left })}
	}),
	onCRM("imported records take part", "the mark of an import is not looked at", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{changes: changed(func(c *record.Change) bool { c.Meta.Source = record.Manual; return true })}
	}),
	onCRM("a mass update does not let imported records in", "its mark is not looked at", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{changes: changed(func(c *record.Change) bool { c.Meta.MassUpdated = false; return true })}
	}),
	onCRM("records are not found by their item", "an item whose pair was lost is made a record again", func(*world, *reconcile.Link, reconcile.Side) sideDouble { return sideDouble{find: true} }),
	onCRM("records are made without a token", "a create in the CRM that is repeated makes another", func(w *world, _ *reconcile.Link, _ reconcile.Side) sideDouble {
		return sideDouble{writes: written(func(write *record.Write) {
			if write.Op == record.Create {
				write.Token += w.newID()
			}
		})}
	}),
	onCRM("writes in the CRM go over newer versions", "the version is read right before, and not planned on", func(_ *world, _ *reconcile.Link, s reconcile.Side) sideDouble {
		return sideDouble{writes: atTheirVersion(s)}
	}),
	onCRM("a conflict in the CRM counts as done", "a moved version is passed over", func(w *world, _ *reconcile.Link, _ reconcile.Side) sideDouble {
		return sideDouble{writes: late(w), done: takenForDone(kind(fault.Conflict))}
	}),
	onCRM("what the database refused counts as done", "an error of the whole write is not told of each record", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{done: func(_ context.Context, writes []record.Write, out []record.Outcome, err *error) {
			for i := range out {
				if *err != nil && out[i].Ref == "" && writes[i].Op != record.Create {
					out[i] = record.Outcome{Ref: writes[i].Ref, Version: writes[i].Version}
				}
			}
		}}
	}),
	onCRM("restoring does nothing", "an edit that beats a deletion does not bring the record back", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		return sideDouble{writes: written(func(w *record.Write) {
			if w.Op == record.Restore {
				w.Op = record.Delete
			}
		})}
	}),
	onCRM("a field of the CRM reads as empty", "what was never read is cleared on the other side", func(*world, *reconcile.Link, reconcile.Side) sideDouble {
		blank := func(c *record.Change) bool {
			if c.Fields[record.Department] != "" {
				c.Fields = c.Fields.With(record.Fields{record.Department: ""})
			}
			return true
		}
		return sideDouble{changes: changed(blank), read: func(_ context.Context, _ []record.Ref, out *[]record.Change, _ *error) {
			for i := range *out {
				blank(&(*out)[i])
			}
		}}
	}),

	// The wire.
	onWire("If-Match is left out", "writes are unconditional", wireDouble{ask: func(req *http.Request, body []byte) []byte {
		req.Header.Del("If-Match")
		return ifMatchText.ReplaceAll(body, nil)
	}}),
	onWire("Retry-After is ignored", "a throttled mailbox is asked at once", wireDouble{after: func(_ *http.Request, resp *http.Response, err error, _ *once) (*http.Response, error) {
		if err == nil {
			resp.Header.Del("Retry-After")
		}
		return resp, err
	}}),
	onWire("Retry-After of a part is ignored", "a mailbox throttled inside a batch is asked at once", wireDouble{after: func(_ *http.Request, resp *http.Response, err error, _ *once) (*http.Response, error) {
		if err != nil {
			return resp, err
		}
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(bytes.NewReader(retryText.ReplaceAll(raw, nil)))
		return resp, nil
	}}),
	onWire("items are made without their mark", "a create cannot be found again", wireDouble{ask: func(_ *http.Request, body []byte) []byte { return markText.ReplaceAll(body, nil) }}),
	onWire("a POST is repeated after a lost answer", "whether the first one worked is not looked at", wireDouble{
		after: func(req *http.Request, resp *http.Response, err error, again *once) (*http.Response, error) {
			if err != nil && isPost(req) {
				return again.send()
			}
			return resp, err
		}}),
	onWire("every POST of an item is sent twice", "items are doubled", wireDouble{
		after: func(req *http.Request, resp *http.Response, err error, again *once) (*http.Response, error) {
			if err == nil && again.makes(newItems) {
				return again.send()
			}
			return resp, err
		}}),
	onWire("items are made outside the container", "the default folder gets them", wireDouble{ask: func(_ *http.Request, body []byte) []byte {
		return newItems.ReplaceAll(body, []byte("$1$2"))
	}}),
	onWire("an edit clears what nobody maps", "foreign fields are wiped", wireDouble{ask: func(req *http.Request, body []byte) []byte {
		if req.Method == http.MethodPatch && strings.Contains(req.URL.Path, "/contacts/") && len(body) > 2 {
			return append([]byte(`{"spouseName":"",`), body[1:]...)
		}
		return bytes.ReplaceAll(body, []byte(`"Content-Type":"application/json"},"body":{"`), []byte(`"Content-Type":"application/json"},"body":{"spouseName":"","`))
	}}),
	onWire("events are made with an attendee", "people are mailed", wireDouble{ask: func(_ *http.Request, body []byte) []byte {
		return bytes.ReplaceAll(body, []byte(`"transactionId":`),
			[]byte(`"attendees":[{"type":"required","emailAddress":{"address":"customer@elsewhere.example"}}],"transactionId":`))
	}}),
	{name: "requests go to somebody else's mailbox", what: "one person's sync asks in another's name", wire: func(w *world, next http.RoundTripper) http.RoundTripper {
		return wireDouble{next: next, ask: func(req *http.Request, body []byte) []byte {
			if t := taskOf(req.Context()); t.link.of == w.people[0] {
				from, to := w.people[0].oid, w.people[1].oid
				return bytes.ReplaceAll(swapPath(url.PathEscape(from), to)(req, body), []byte(from), []byte(to))
			}
			return body
		}}
	}},
}

// allAgreed makes all deletions that wait look as if somebody had said yes to each.
func allAgreed(pairs []reconcile.Pair) {
	for i := range pairs {
		if pairs[i].State == reconcile.Waiting {
			pairs[i].RetryAt = start
		}
	}
}
