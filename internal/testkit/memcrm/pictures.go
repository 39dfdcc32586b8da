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
	mu   sync.Mutex
	kept map[record.ID]map[record.Value][]byte
}

// Keep keeps a picture.
func (p *Pictures) Keep(_ context.Context, org record.ID, kept []byte) (record.Value, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		p.kept = map[record.ID]map[record.Value][]byte{}
	}
	if p.kept[org] == nil {
		p.kept[org] = map[record.Value][]byte{}
	}
	v := picture.Value(kept)
	p.kept[org][v] = kept
	return v, nil
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
