package memcrm

import (
	"context"
	"sync"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/picture"
	"tandem/internal/record"
)

var _ crm.Pictures = (*Pictures)(nil)

// Pictures keep pictures in memory.
type Pictures struct {
	mu      sync.Mutex
	kept    map[record.ID]map[record.Value][]byte
	forms   map[record.ID]map[string]record.Value
	sending map[place]record.Value
}

// A place is an item of a user's.
type place struct {
	user record.ID
	item record.Ref
}

// Keep keeps a picture.
func (p *Pictures) Keep(_ context.Context, org record.ID, kept []byte) (record.Value, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keep(org, kept), nil
}

func (p *Pictures) keep(org record.ID, kept []byte) record.Value {
	if p.kept == nil {
		p.kept = map[record.ID]map[record.Value][]byte{}
	}
	if p.kept[org] == nil {
		p.kept[org] = map[record.Value][]byte{}
	}
	v := picture.Value(kept)
	p.kept[org][v] = kept
	return v
}

// Picture is a picture's bytes.
func (p *Pictures) Picture(_ context.Context, org record.ID, v record.Value) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept, ok := p.kept[org][v]
	if !ok {
		return nil, fault.New(fault.NotFound, "", "memcrm: no picture %s", v)
	}
	return kept, nil
}

// An Album is the twin of the store's: an organization's pictures as a user's sync of contacts sees them.
type Album struct {
	*Pictures
	org, user record.ID
}

// Album opens the pictures for a user's sync.
func (p *Pictures) Album(org, user record.ID) *Album { return &Album{p, org, user} }

// Known tells which pictures are meant by bytes with the hashes.
func (a *Album) Known(_ context.Context, forms []string) (map[string]record.Value, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[string]record.Value{}
	for _, form := range forms {
		if v, known := a.forms[a.org][form]; known {
			out[form] = v
		}
		if _, kept := a.kept[a.org][picture.Of(form)]; kept {
			out[form] = picture.Of(form)
		}
	}
	return out, nil
}

// Keep keeps pictures under the forms in which they came.
func (a *Album) Keep(_ context.Context, byForm map[string][]byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for form, kept := range byForm {
		a.same(form, a.keep(a.org, kept))
	}
	return nil
}

func (a *Album) same(form string, v record.Value) {
	if a.forms == nil {
		a.forms = map[record.ID]map[string]record.Value{}
	}
	if a.forms[a.org] == nil {
		a.forms[a.org] = map[string]record.Value{}
	}
	a.forms[a.org][form] = v
}

// Same notes of bytes with a hash which picture they are, and that the items' pictures have been seen.
func (a *Album) Same(_ context.Context, forms map[string]record.Value, items []record.Ref) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for form, v := range forms {
		a.same(form, v)
	}
	for _, item := range items {
		delete(a.sending, place{a.user, item})
	}
	return nil
}

// Bytes are the pictures of values; those that are not kept are absent.
func (a *Album) Bytes(_ context.Context, values []record.Value) (map[record.Value][]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[record.Value][]byte{}
	for _, v := range values {
		if kept, ok := a.kept[a.org][v]; ok {
			out[v] = kept
		}
	}
	return out, nil
}

// Sending notes which pictures items are about to be given.
func (a *Album) Sending(_ context.Context, items map[record.Ref]record.Value) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sending == nil {
		a.sending = map[place]record.Value{}
	}
	for item, v := range items {
		a.sending[place{a.user, item}] = v
	}
	return nil
}

// Sendings are the pictures that items were about to be given and in which form nobody has seen yet.
func (a *Album) Sendings(_ context.Context, items []record.Ref) (map[record.Ref]record.Value, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[record.Ref]record.Value{}
	for _, item := range items {
		if v, known := a.sending[place{a.user, item}]; known {
			out[item] = v
		}
	}
	return out, nil
}
