package reconcile

import (
	"fmt"
	"reflect"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/record"
)

// What is folded comes back as it was: everything that is said of a change, fields that are empty, not said, or not known at all.
func TestFold_NothingIsLost(t *testing.T) {
	t.Parallel()
	link := &Link{User: 7, Kind: record.Contacts}
	rapid.Check(t, func(t *rapid.T) {
		c := &creases{link: link}
		var items []Item
		var small []*folded
		for n := range rapid.IntRange(1, 200).Draw(t, "items") {
			i := Item{Pair: &Pair{Microsoft: record.Ref(fmt.Sprint("item ", n)), Token: rapid.SampledFrom([]string{"", "7-x"}).Draw(t, "token")}}
			for _, change := range []**record.Change{&i.Theirs, &i.Ours} {
				if rapid.Bool().Draw(t, "said") {
					*change = &record.Change{}
					anything(t, reflect.ValueOf(*change).Elem())
				}
			}
			if i.Theirs != nil {
				i.Theirs.Ref = i.Pair.Microsoft
			}
			if rapid.Bool().Draw(t, "new") {
				i.Pair.Token = tokenFromItem(link, i.Pair.Microsoft, "")
			}
			items, small = append(items, i), append(small, c.fold(i))
		}
		for i, f := range small {
			if back := c.unfold(f); !reflect.DeepEqual(back, items[i]) {
				t.Fatalf("%+v came back as %+v", items[i], back)
			}
		}
	})
}

// anything fills every field of a struct, so that one which is added later is filled, too.
func anything(t *rapid.T, v reflect.Value) {
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		if rapid.Bool().Draw(t, "known") {
			*at = time.Unix(rapid.Int64Range(-1<<33, 1<<33).Draw(t, "second"), rapid.Int64Range(0, 999_999_999).Draw(t, "rest")).UTC()
		}
		return
	case *record.Fields:
		names := rapid.SampledFrom([]record.Field{record.LastName, record.EmailField, record.Description, record.FurtherAddresses, "cf_size"})
		values := rapid.Map(rapid.StringN(0, 400, -1), func(s string) record.Value { return record.Value(s) })
		if rapid.Bool().Draw(t, "read") {
			*at = rapid.MapOf(names, values).Draw(t, "fields")
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.String().Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "flag"))
	case reflect.Uint8:
		v.SetUint(uint64(rapid.Byte().Draw(t, "number")))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "number"))
	case reflect.Struct:
		for i := range v.NumField() {
			anything(t, v.Field(i))
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			anything(t, v.Elem())
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			anything(t, v.Index(i))
		}
	default:
		t.Fatalf("a %s is not folded", v.Type())
	}
}

// A folder that was there has its thousands of items in memory until all of it was read. This test is alone: it measures the memory of all.
func TestFold_ItemsThatWaitAreSmall(t *testing.T) {
	const n = 4000
	s := &strangers{creases: &creases{link: &Link{}}, items: map[record.Ref]*folded{}}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range n {
		fields := record.Fields{}
		for f := range 25 {
			fields[record.Field(fmt.Sprintf("Field_%d", f))] = record.Value(fmt.Sprintf("value %d of %d", f, i))
		}
		ref := record.Ref(fmt.Sprint("item ", i))
		s.keep([]Item{{Pair: &Pair{Microsoft: ref, Token: tokenFromItem(s.creases.link, ref, "")}, Theirs: &record.Change{Ref: ref, Fields: fields}}})
	}
	s.creases.deflater = nil // one for all
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n; each > 500 {
		t.Errorf("an item that waits takes %d bytes", each)
	} else {
		t.Log(each, "bytes each")
	}
	runtime.KeepAlive(s)
}
