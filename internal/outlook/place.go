package outlook

import (
	"context"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
)

// A place is the dedicated calendar or folder of a link. Whether it is alive decides whether anything that is missing in
// it may be called gone (DESIGN D3).
type place struct {
	box  *graph.Mailbox
	row  *graph.Row // in which writes stand
	kind record.Kind
	id   string
	mark string
}

// Container is the id of the place: the link's, or the one that it was found to have now.
func (p *place) Container() record.Ref { return record.Ref(p.id) }

func (p *place) collection() string {
	if p.kind == record.Contacts {
		return "contactFolders"
	}
	return "calendars"
}

// path makes the path of something in the place.
func (p *place) path(segments ...string) string {
	return p.box.Path(append([]string{p.collection(), p.id}, segments...)...)
}

// list is the question whether the place is alive: the list of its kind. (A deleted calendar may go on answering by id
// while it is in Deleted Items, so its own id is not asked first; reference §2.)
func (p *place) list() graph.Part {
	fields := "id,name"
	if p.kind == record.Contacts {
		fields = "id,displayName,parentFolderId"
	}
	return graph.Get(p.box.Path(p.collection())+graph.Query("$top", folderPage, "$select", fields), "")
}

// alive takes the answer to list, and goes on asking if the place is not on the first page of it. Faults: Gone with
// ContainerDeleted: twice neither in the list nor to be had by its id; Denied with ContainerDeleted: not in the list,
// though its id answers, so it is in Deleted Items and its owner may take it out again; whatever kept us from looking.
// folders are those on the page.
func (p *place) alive(ctx context.Context, first graph.Result) (folders []graph.Folder, err error) {
	if first.Err != nil {
		return nil, passing(first.Err)
	}
	listed := false
	page, err := graph.ReadPage(first.Body, func(f *graph.Folder) error {
		listed = listed || f.ID == p.id
		folders = append(folders, *f)
		return nil
	})
	if err != nil || listed {
		return folders, err
	}
	if page.Next != "" {
		if folders, err = p.folders(ctx, false); err != nil {
			return nil, err
		}
		for _, f := range folders {
			if f.ID == p.id {
				return folders, nil
			}
		}
	}
	return p.missing(ctx)
}

// look asks whether the place is alive.
func (p *place) look(ctx context.Context) ([]graph.Folder, error) {
	r, _ := p.box.Do(ctx, p.list())
	return p.alive(ctx, r)
}

// whyNot is why a list of what is in the place failed: where that was not found, the place itself may be gone, as alive tells it.
func (p *place) whyNot(ctx context.Context, err error) error {
	if fault.Is(err, fault.NotFound) {
		if _, gone := p.look(ctx); gone != nil {
			return gone
		}
		return passing(err)
	}
	return err
}

// missing is for a place that is not in the list.
func (p *place) missing(ctx context.Context) ([]graph.Folder, error) {
	for range 2 {
		_, byID := p.box.Do(ctx, graph.Get(p.path()+graph.Query("$select", "id"), ""))
		if byID != nil && !fault.Is(byID, fault.NotFound) {
			return nil, passing(byID)
		}
		folders, err := p.folders(ctx, true)
		if err != nil {
			return nil, passing(err)
		}
		for _, f := range folders {
			if f.ID == p.id {
				return folders, nil
			}
			if p.mark != "" && markOf(f.Extended, linkMark) == p.mark { // Graph has given it another id
				p.id = f.ID
				return folders, nil
			}
		}
		if byID == nil {
			return nil, fault.New(fault.Denied, fault.ContainerDeleted, "outlook: the container is no longer listed, yet answers: it is in Deleted Items")
		}
	}
	return nil, fault.New(fault.Gone, fault.ContainerDeleted, "outlook: the container was deleted")
}

// folders lists all containers of the kind, with our mark if asked for.
func (p *place) folders(ctx context.Context, marks bool) ([]graph.Folder, error) {
	query := graph.Query("$top", folderPage)
	if marks {
		query = graph.Query("$top", folderPage, "$expand", expandLink)
	}
	var all []graph.Folder
	err := graph.All(ctx, p.box, p.box.Path(p.collection())+query, "", func(f *graph.Folder) error {
		all = append(all, *f)
		return nil
	})
	return all, err
}

// passing turns "not found" of what must be there (the mailbox's own lists) into what it is: the neighbour's hiccup.
func passing(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Unavailable, "", "outlook: %s", err)
	}
	return err
}
