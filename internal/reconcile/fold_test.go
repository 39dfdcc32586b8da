package reconcile

import (
	"fmt"
	"reflect"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/record"
)

// What is folded comes back as it was: a field that is empty, one that is not said, and fields of which nothing is known.
func TestFold_NothingIsLost(t *testing.T) {
	t.Parallel()
	names := rapid.SampledFrom([]record.Field{record.LastName, record.EmailField, record.Description, record.FurtherAddresses, "cf_size"})
	fields := rapid.OneOf(rapid.Just(record.Fields(nil)), rapid.Custom(func(t *rapid.T) record.Fields {
		return record.Fields(rapid.MapOf(names, rapid.Map(rapid.String(), func(s string) record.Value { return record.Value(s) })).Draw(t, "fields"))
	}))
	changes := rapid.OneOf(rapid.Just[*record.Change](nil), rapid.Custom(func(t *rapid.T) *record.Change {
		return &record.Change{Ref: record.Ref(rapid.String().Draw(t, "ref")), Version: "v", Fields: fields.Draw(t, "of")}
	}))
	rapid.Check(t, func(t *rapid.T) {
		c := &creases{}
		var items []Item
		var small []folded
		for range rapid.IntRange(1, 5).Draw(t, "items") {
			i := Item{Pair: &Pair{Microsoft: "m"}, Theirs: changes.Draw(t, "theirs"), Ours: changes.Draw(t, "ours")}
			items, small = append(items, i), append(small, c.fold(i))
		}
		for i, f := range small {
			if back := c.unfold(f); !reflect.DeepEqual(back, items[i]) {
				t.Fatalf("%+v came back as %+v", items[i], back)
			}
		}
	})
}

// A folder that was there has its thousands of items in memory until all of it was read. This test is alone: it measures the memory of all.
func TestFold_ItemsThatWaitAreSmall(t *testing.T) {
	const n = 2000
	s := &strangers{creases: &creases{}, items: map[record.Ref]folded{}}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range n {
		fields := record.Fields{}
		for f := range 25 {
			fields[record.Field(fmt.Sprintf("Field_%d", f))] = record.Value(fmt.Sprintf("value %d of %d", f, i))
		}
		ref := record.Ref(fmt.Sprint("item ", i))
		s.keep([]Item{{Pair: &Pair{Microsoft: ref}, Theirs: &record.Change{Ref: ref, Fields: fields}}})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n; each > 1200 {
		t.Errorf("an item that waits takes %d bytes", each)
	} else {
		t.Log(each, "bytes each")
	}
	runtime.KeepAlive(s)
}
