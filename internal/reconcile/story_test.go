package reconcile_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

var update = flag.Bool("update", false, "write what happened into the stories")

// TestStories plays the stories in testdata/story. A story is a txtar file: before, story, between and then are lines of
// what people do, in order; between and after are compared with what is there; history with what sync wrote down.
//
//	crm KEY field=value…      a contact is made or edited in the CRM (owner=NAME, deleted)
//	outlook KEY field=value…  the same in Outlook (copied=KEY copies it)
//	sync                      runs until nothing more happens
func TestStories(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/story/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t)
			for i, part := range archive.Files {
				var got string
				switch part.Name {
				case "before", "story", "then":
					for line := range strings.Lines(string(part.Data)) {
						w.play(strings.Fields(line))
					}
					continue
				case "between", "after":
					got = w.picture()
				case "history":
					got = w.chronicle()
				default:
					t.Fatalf("%s: no such part: %s", file, part.Name)
				}
				if *update {
					archive.Files[i].Data = []byte(got)
				} else if got != string(part.Data) {
					t.Errorf("%s, %s:\ngot\n%swant\n%s", file, part.Name, got, part.Data)
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// play does one line of a story.
func (w *world) play(words []string) {
	w.t.Helper()
	w.clock = w.clock.Add(time.Second)
	if words[0] == "sync" {
		w.settle()
		return
	}
	key, fields := words[1], record.Fields{}
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		fields[record.Field(name)] = record.Value(value)
	}
	if words[0] == "crm" {
		w.playCRM(key, fields)
		return
	}
	switch _, deleted := fields["deleted"]; {
	case deleted:
		w.folder.Delete(w.ref(key))
	case fields["copied"] != "":
		w.folder.Put(w.folder.Copy(w.ref(key)), record.Fields{"jobTitle": fields["copied"]})
	default:
		theirs := mapping.Default(record.Contacts).ToMicrosoft(fields)
		if len(w.items()[key]) == 0 {
			w.folder.Put("", theirs.With(record.Fields{"jobTitle": record.Value(key), "surname": record.Value("Family " + key)}))
			return
		}
		w.folder.Put(w.ref(key), theirs)
	}
}

func (w *world) playCRM(key string, fields record.Fields) {
	w.t.Helper()
	var id record.ID
	for _, r := range w.store.All() {
		if string(r.Fields[record.Title]) == key {
			id = r.ID
		}
	}
	switch _, deleted := fields["deleted"]; {
	case id == 0:
		w.insert(key, fields)
	case deleted:
		w.bin(id)
	case fields["owner"] != "":
		w.give(id, map[record.Value]record.ID{"adele": adele, "alex": alex}[fields["owner"]])
	default:
		w.edit(id, fields)
	}
}

// picture is what is there on both sides, in the words of a story.
func (w *world) picture() string {
	var lines []string
	tell := func(side string, fields record.Fields, more string) {
		line := side + " " + string(fields[record.Title])
		for _, f := range []record.Field{record.Department, record.HomePhone, record.Mobile} {
			if fields[f] != "" {
				line += fmt.Sprintf(" %s=%s", f, fields[f])
			}
		}
		lines = append(lines, line+more)
	}
	for _, r := range w.store.All() {
		switch {
		case r.Deleted():
		case r.Owner == alex:
			tell("crm", r.Fields, " owner=alex")
		default:
			tell("crm", r.Fields, "")
		}
	}
	for _, items := range w.items() {
		for _, fields := range items {
			tell("outlook", fields, "")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// chronicle is the history, in the words of a story.
func (w *world) chronicle() string {
	var b strings.Builder
	for _, h := range w.ledger.History() {
		fmt.Fprintf(&b, "%s %s %s", h.Side, h.Action, h.Reason)
		for _, l := range h.Lost {
			fmt.Fprintf(&b, " lost %s=%s", l.Field, l.Value)
		}
		b.WriteString("\n")
	}
	return b.String()
}

var _ reconcile.Sides = (*world)(nil)
