package outlook

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
)

// contactPage is how many contacts a page of changes has. A page in memory is below 3 MiB.
const contactPage = "odata.maxpagesize=500"

// Contacts is a dedicated contact folder as one side of a link. It reads by delta. A value is made for one run.
type Contacts struct {
	place
	known   Known
	album   Album          // nil: it has no photos
	folders []graph.Folder // as last listed
}

// NewContacts gives the side of a folder in a mailbox. known may be nil; with it, a delta that lags behind our own
// writes is recognised.
func NewContacts(box *graph.Mailbox, o Options, known Known) *Contacts {
	return &Contacts{place: place{box: box, row: box.Row(), kind: record.Contacts, id: string(o.Container), mark: o.Mark}, known: known}
}

// contactCursor is where a round of the delta goes on, or where the next one begins. Links are Graph's, verbatim.
type contactCursor struct {
	V    int    `json:"v"`
	Next string `json:"next,omitempty"`  // in the middle of a round
	Done string `json:"delta,omitempty"` // at its end
}

// Changes returns one page of the delta. What it reports as removed, and what it tells in part or may tell as it was
// before, is looked at at once; so Missing only remains what could not be told. Marks are not in it: Graph's delta has no
// extended properties.
func (c *Contacts) Changes(ctx context.Context, after record.Cursor, _ int) (page record.Page, err error) {
	defer fault.Wrap(&err, "outlook: changes of contacts")
	var at contactCursor
	if after != "" {
		if err := json.Unmarshal([]byte(after), &at); err != nil {
			return page, cursorError(err)
		} else if at.V != 1 || at.Next == "" && at.Done == "" {
			return page, cursorError(errNoCursor)
		}
	}
	body, err := c.delta(ctx, at)
	if err != nil {
		return page, err
	}
	items, last, err := gatherContacts(body)
	if err != nil {
		return page, err
	}
	if page.Changes, err = c.tell(ctx, items); err != nil {
		return page, err
	}
	next := contactCursor{V: 1, Next: last.Next, Done: last.Delta}
	if next.Next == "" && next.Done == "" {
		return page, fault.New(fault.Unavailable, "", "a page of the delta that leads nowhere")
	}
	if next.Next != "" && next.Next == at.Next {
		return page, fault.New(fault.Unavailable, "", "a page of the delta that leads to itself")
	}
	text, err := json.Marshal(next)
	page.Next, page.More = record.Cursor(text), next.Next != ""
	return page, err
}

// List lists every contact of the folder with its version.
func (c *Contacts) List(ctx context.Context) (_ map[record.Ref]record.Version, err error) {
	defer fault.Wrap(&err, "outlook: list contacts")
	if _, err := c.look(ctx); err != nil {
		return nil, err
	}
	all := map[record.Ref]record.Version{}
	first := c.path("contacts") + graph.Query("$select", "id,changeKey", "$top", listPage)
	err = graph.All(ctx, c.box, first, "", func(it *graph.Item) error {
		all[record.Ref(it.ID)] = record.Version(it.Version())
		return nil
	})
	return all, passingAll(err)
}

// gatherContacts reads a page. Of what is on it twice (a delta may replay), the last counts.
func gatherContacts(body []byte) (items []*graph.Contact, last graph.Page, err error) {
	seen := map[string]int{}
	last, err = graph.ReadPage(body, func(it *graph.Contact) error {
		if i, twice := seen[it.ID]; twice {
			items[i] = it
			return nil
		}
		seen[it.ID] = len(items)
		items = append(items, it)
		return nil
	})
	return items, last, err
}

// tell makes changes of the items of a page.
func (c *Contacts) tell(ctx context.Context, items []*graph.Contact) ([]record.Change, error) {
	versions, err := c.versions(ctx, items)
	if err != nil {
		return nil, err
	}
	changes := make([]record.Change, len(items))
	var look []record.Ref
	var of []int
	for i, it := range items {
		ref, version := record.Ref(it.ID), record.Version(it.Version())
		before, known := versions[ref]
		if it.Removed != nil || partial(it) || known && before != "" && before != version {
			look, of = append(look, ref), append(of, i)
			continue
		}
		changes[i] = c.change(it)
		changes[i].TokenRead = false
	}
	if len(look) == 0 {
		return changes, nil
	}
	looked, err := c.Read(ctx, look)
	for n, i := range of {
		if err == nil {
			changes[i] = looked[n]
		}
	}
	return changes, err
}

// versions asks for the versions that the ledger knows. An item that it knows at another version has been changed by a
// person, or the delta has not caught up with a write of our own yet, which may take a minute: only a look can tell.
func (c *Contacts) versions(ctx context.Context, items []*graph.Contact) (map[record.Ref]record.Version, error) {
	if c.known == nil || len(items) == 0 {
		return nil, nil
	}
	refs := make([]record.Ref, len(items))
	for i, it := range items {
		refs[i] = record.Ref(it.ID)
	}
	return c.known(ctx, refs)
}

// partial reports whether a delta told only some of the properties, which it may do: whole contacts have all their
// lists, empty ones too.
func partial(it *graph.Contact) bool {
	return it.EmailAddresses == nil || it.BusinessPhones == nil || it.HomePhones == nil || it.IMAddresses == nil || it.Categories == nil
}

// delta asks for a page. A round begins with one batch that also asks whether the folder is alive; that makes a run in
// which nothing changed one request long.
func (c *Contacts) delta(ctx context.Context, at contactCursor) ([]byte, error) {
	if at.Next != "" {
		r, err := c.box.Do(ctx, graph.Get(at.Next, contactPage))
		return r.Body, c.deltaFault(ctx, err)
	}
	from := at.Done
	if from == "" {
		from = c.path("contacts", "delta")
	}
	id := c.id
	results, err := c.box.Batch(ctx, []graph.Part{c.list(), graph.Get(from, contactPage)})
	if err != nil {
		return nil, err
	}
	if c.folders, err = c.alive(ctx, results[0]); err != nil {
		return nil, err
	}
	switch {
	case at.Done == "" && c.id != id: // it has another id now
		return c.delta(ctx, at)
	case at.Done != "" && !c.leadsHere(at.Done) && (c.id != id || fault.Is(results[1].Err, fault.NotFound)):
		return nil, fault.New(fault.Gone, fault.CursorExpired, "the folder has another id than the link of the delta says")
	}
	return results[1].Body, deltaFault(results[1].Err)
}

// leadsHere reports whether a link of the delta names the folder by the id that it has now.
func (c *Contacts) leadsHere(link string) bool {
	plain, err := url.PathUnescape(link)
	return err == nil && strings.Contains(plain, c.id)
}

// deltaFault tells a passing "not found" from the end of the folder, which only a look at the folder can prove.
func (c *Contacts) deltaFault(ctx context.Context, err error) error {
	if fault.Is(err, fault.NotFound) {
		if _, dead := c.look(ctx); dead != nil {
			return dead
		}
	}
	return deltaFault(err)
}

func deltaFault(err error) error {
	if fault.Is(err, fault.Invalid) { // such as a token that Graph can no longer read
		return fault.New(fault.Gone, fault.CursorExpired, "%w", err)
	}
	return passing(err)
}

// Read looks at single contacts. Gone: a look at the contact itself did not find it, or found it in no contact folder,
// which means in Deleted Items, and the folder was alive after that look. Left: it is in another folder.
func (c *Contacts) Read(ctx context.Context, refs []record.Ref) (out []record.Change, err error) {
	defer fault.Wrap(&err, "outlook: read contacts")
	parts := make([]graph.Part, len(refs))
	for i, ref := range refs {
		parts[i] = graph.Get(c.address(ref)+c.question(), c.prefer())
	}
	results, err := c.box.Batch(ctx, parts)
	if err != nil {
		return nil, err
	}
	out = make([]record.Change, len(refs))
	elsewhere := map[int]string{} // index -> folder; "" for nowhere
	for i, r := range results {
		out[i] = record.Change{Ref: refs[i], State: record.Missing}
		if fault.Is(r.Err, fault.NotFound) {
			elsewhere[i] = ""
			continue
		}
		var it graph.Contact
		if r.Err == nil {
			r.Err = graph.Decode(r.Body, &it)
		}
		if r.Err != nil {
			return nil, r.Err
		}
		if it.ParentFolderID != c.id {
			elsewhere[i] = it.ParentFolderID
			marksOf(&it.Item, &out[i])
			continue
		}
		out[i] = c.change(&it)
		out[i].Ref = refs[i]
	}
	if len(elsewhere) == 0 {
		return out, nil
	}
	if c.folders, err = c.look(ctx); err != nil {
		return nil, err
	}
	for i, folder := range elsewhere {
		out[i].State = record.Gone
		if folder != "" {
			if out[i].State, err = c.whereabouts(ctx, folder); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// whereabouts tells of a folder that is not ours whether people look for contacts in it. The default folder is not in
// the list, but the folders in the list lie in it (reference §7). What lies deeper is followed upwards.
func (c *Contacts) whereabouts(ctx context.Context, folder string) (record.State, error) {
	const deepest = 8
	for range deepest {
		for _, f := range c.folders {
			if f.ID == folder || f.ParentFolderID == folder {
				return record.Left, nil
			}
		}
		f, _, err := graph.One[graph.Folder](ctx, c.box, graph.Get(c.box.Path("contactFolders", folder), ""))
		if fault.Is(err, fault.NotFound) || fault.ReasonOf(err) == fault.Refused {
			return record.Gone, nil // no contact folder: Deleted Items, or somewhere below it
		}
		if err != nil {
			return record.Missing, err
		}
		if folder = f.ParentFolderID; folder == "" {
			break
		}
	}
	return record.Gone, nil
}

// Apply carries out writes; see apply.
func (c *Contacts) Apply(ctx context.Context, writes []record.Write) ([]record.Outcome, error) {
	return c.ApplyInOrder(ctx, writes, func() {})
}

// ApplyInOrder is Apply that says when its writes are on their way, so that others may follow them.
func (c *Contacts) ApplyInOrder(ctx context.Context, writes []record.Write, underWay func()) (out []record.Outcome, err error) {
	defer fault.Wrap(&err, "outlook: write contacts")
	return apply(ctx, c.box, c.row, c, writes, underWay)
}

// Find looks for contacts by our mark.
func (c *Contacts) Find(ctx context.Context, tokens []string) (found map[string]record.Change, err error) {
	defer fault.Wrap(&err, "outlook: find contacts")
	found, err = find(ctx, c.box, c, c.path("contacts")+contactQuestion, tokens)
	return found, c.whyNot(ctx, err)
}

func (c *Contacts) decode(_ context.Context, body []byte, into *graph.Contact) error {
	return graph.Decode(body, into)
}

func (c *Contacts) item(it *graph.Contact) *graph.Item { return &it.Item }

func (c *Contacts) address(ref record.Ref) string { return c.box.Path("contacts", string(ref)) }

func (c *Contacts) question() string { return contactQuestion }

// steady: Exchange makes names to show and to file by out of the others, and photos go in requests of their own.
func (c *Contacts) steady(field record.Field, _ record.Fields) bool {
	return field != photoField && field != "displayName" && field != "fileAs"
}

var contactQuestion = graph.Query("$expand", expandItem)

func (c *Contacts) prefer() string { return "" }

func (c *Contacts) here(it *graph.Contact) bool { return it.ParentFolderID == c.id }

func (c *Contacts) change(it *graph.Contact) record.Change {
	out := record.Change{
		Ref:      record.Ref(it.ID),
		Version:  record.Version(it.Version()),
		State:    record.Present,
		Fields:   toldFields(it),
		Created:  it.Created.UTC(),
		Modified: it.Modified.UTC(),
	}
	marksOf(&it.Item, &out)
	return out
}

func (c *Contacts) create(w *record.Write) (graph.Part, error) {
	body, err := c.body(&graph.Contact{}, w)
	properties := []graph.Object{property(itemMark, w.Token)}
	if w.Stamp != "" {
		properties = append(properties, stampOfCreate(w))
	}
	body.Objects(extended, properties)
	return graph.Part{Method: http.MethodPost, Path: c.path("contacts"), Body: body.JSON()}, err
}

func (c *Contacts) patch(before *graph.Contact, w *record.Write) (graph.Object, error) {
	body, err := c.body(before, w)
	if err == nil && w.Stamp != "" && !body.Empty() {
		body.Objects(extended, []graph.Object{stampOfChange(&before.Item, w)})
	}
	return body, err
}

// body is what to send of a write; its photo follows by itself, see finish.
func (c *Contacts) body(before *graph.Contact, w *record.Write) (graph.Object, error) {
	fields := w.Fields
	if v, said := fields[photoField]; said {
		switch {
		case c.album == nil:
			return graph.Object{}, unknownField(photoField)
		case v == "":
			return graph.Object{}, fault.Wrong(fault.PhotoStays, string(photoField), "outlook: a photo cannot be taken off")
		}
		fields = fields.Clone()
		delete(fields, photoField)
	}
	return contactBody(before, fields)
}

func (c *Contacts) guard(*graph.Contact, *record.Write) error { return nil } // nobody is written to about a contact

func (c *Contacts) exists(_ context.Context, _ *record.Write, refusal error) (*graph.Contact, error) {
	return nil, refusal
}

func (c *Contacts) finish(ctx context.Context, jobs []job[graph.Contact], cut error) error {
	return c.sendPhotos(ctx, jobs, cut)
}
