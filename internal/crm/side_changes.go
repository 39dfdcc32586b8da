package crm

import (
	"context"
	"fmt"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// place is what a Side's cursor says: where in its first listing it is, or how far it has followed the feed.
//
// A first listing is read by offset while people go on working, so a record written meanwhile may shift the rest of it
// by one: that much the listing steps back, because telling a record twice is harmless and leaving one out is not.
type place struct {
	listing bool
	start   int64 // listing: the organization's Seq when it began, where the feed will go on
	mark    int64 // listing: the Seq up to which shifts are made up for
	now     int64 // listing: its time, in Unix seconds, on which its order depends
	offset  int   // listing: how many records have been told
	seq     int64 // feed: the last Seq told
}

func (p place) cursor() record.Cursor {
	if p.listing {
		return record.Cursor(fmt.Sprintf("first:%d:%d:%d:%d", p.start, p.mark, p.now, p.offset))
	}
	return record.Cursor(fmt.Sprintf("seq:%d", p.seq))
}

func placeOf(c record.Cursor) (p place, ok bool) {
	if n, _ := fmt.Sscanf(string(c), "seq:%d", &p.seq); n == 1 {
		return p, p.seq >= 0 && p.cursor() == c
	}
	n, _ := fmt.Sscanf(string(c), "first:%d:%d:%d:%d", &p.start, &p.mark, &p.now, &p.offset)
	p.listing = true
	return p, n == 4 && p.offset >= 0 && p.cursor() == c
}

// Relist is a cursor that lists all records from the beginning, in the order that holds at a time, and then follows the feed
// from where the cursor given does, or would. A cursor of another database stays as it is: Changes refuses it.
func Relist(c record.Cursor, now time.Time) record.Cursor {
	at, ok := placeOf(c)
	if !ok {
		return c
	}
	from := at.start + at.seq // one of them is 0
	return place{listing: true, start: from, mark: from, now: now.Unix()}.cursor()
}

// Changes returns a page: of the first listing, and after its end, of what was written since it began. Records of the
// feed may have been deleted (Gone) or be somebody else's by now (Left). Gone with reason CursorExpired: the cursor is
// not one of this database's.
func (s *Side) Changes(ctx context.Context, after record.Cursor, _ int) (_ record.Page, err error) {
	defer fault.Wrap(&err, "crm: changes of %s", s.link.Kind)
	latest, err := s.crm.store.Seq(ctx, s.link.Org)
	if err != nil {
		return record.Page{}, err
	}
	at := place{listing: true, start: latest, mark: latest, now: s.crm.now().Unix()}
	if after != "" {
		var ok bool
		if at, ok = placeOf(after); !ok || max(at.seq, at.start, at.mark) > latest {
			return record.Page{}, fault.New(fault.Gone, fault.CursorExpired, "crm: cursor %q is not of this database", after)
		}
	}
	read := s.feed
	if at.listing {
		read = s.listing
	}
	page, err := read(ctx, at, latest)
	if err != nil || len(page.Changes) == 0 {
		return page, err
	}
	return page, s.whole(ctx)
}

// listing is one page of the first listing.
func (s *Side) listing(ctx context.Context, at place, latest int64) (page record.Page, err error) {
	if at.offset == 0 {
		n, err := s.crm.store.FirstSyncCount(ctx, s.link.Org, s.link.Kind, s.link.User, s.link.AdmitImported, s.link.Calendar)
		if err != nil {
			return page, err
		}
		page.Total = min(n, s.link.Cap)
	}
	if err := s.stepBack(ctx, &at, latest); err != nil {
		return page, err
	}
	limit := min(sidePage, s.link.Cap-at.offset)
	var records []Record
	if limit > 0 {
		records, err = s.crm.store.FirstSync(ctx, s.link.Org, s.link.Kind, s.link.User, s.link.AdmitImported, s.link.Calendar,
			time.Unix(at.now, 0).UTC(), at.offset, limit)
		if err != nil {
			return page, err
		}
	}
	if page.Changes, err = s.tellAll(ctx, records); err != nil {
		return page, err
	}
	at.offset += len(records)
	more := len(records) == limit && at.offset < s.link.Cap
	if len(records) < limit { // the end, unless what was written while the page was read has shifted it
		touched, err := s.touched(ctx, at.mark)
		if err != nil {
			return page, err
		}
		more = len(touched) > 0
	}
	if !more {
		at = place{seq: at.start}
	}
	page.Next, page.First, page.More = at.cursor(), more, more || latest > at.seq
	return page, nil
}

// stepBack makes up for what was written since the mark.
func (s *Side) stepBack(ctx context.Context, at *place, latest int64) error {
	for at.offset > 0 && at.mark < latest {
		touched, err := s.touched(ctx, at.mark)
		if err != nil {
			return err
		}
		at.offset = max(0, at.offset-len(touched))
		if len(touched) < sidePage {
			break
		}
		at.mark = touched[len(touched)-1].Seq
	}
	at.mark = latest
	return nil
}

// feed is one page of what was written.
func (s *Side) feed(ctx context.Context, at place, latest int64) (page record.Page, err error) {
	if at.seq == latest {
		return record.Page{Next: at.cursor()}, nil
	}
	touched, err := s.touched(ctx, at.seq)
	if err != nil {
		return page, err
	}
	if page.Changes, err = s.tellAll(ctx, touched); err != nil {
		return page, err
	}
	for _, r := range touched {
		at.seq = r.Seq
	}
	page.More = len(touched) == sidePage
	if !page.More {
		at.seq = max(at.seq, latest) // other people's writes need not be passed over again
	}
	page.Next = at.cursor()
	return page, nil
}

func (s *Side) touched(ctx context.Context, after int64) ([]Record, error) {
	return s.crm.store.Touched(ctx, s.link.Org, s.link.Kind, s.link.User, after, sidePage)
}
