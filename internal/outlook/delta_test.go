package outlook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
)

// A script is a Graph of a few lines: it answers each part of a batch, and each call, by the end of its path.
func script(t *testing.T, answers map[string]string) *graph.Mailbox {
	t.Helper()
	one := func(url string) (int, string) {
		path, _, _ := strings.Cut(url, "?")
		for end, body := range answers {
			if strings.HasSuffix(path, end) {
				return 200, body
			}
		}
		return 404, `{"error":{"code":"ErrorItemNotFound","message":"gone"}}`
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !strings.HasSuffix(r.URL.Path, "$batch") {
			status, body := one(r.URL.Path)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			return
		}
		var asked struct {
			Requests []struct{ ID, URL string } `json:"requests"`
		}
		_ = json.NewDecoder(r.Body).Decode(&asked)
		var parts []string
		for _, p := range asked.Requests {
			status, body := one(p.URL)
			parts = append(parts, fmt.Sprintf(`{"id":%q,"status":%d,"body":%s}`, p.ID, status, body))
		}
		_, _ = io.WriteString(w, `{"responses":[`+strings.Join(parts, ",")+`]}`)
	}))
	t.Cleanup(server.Close)
	return graph.New(graph.Options{BaseURL: server.URL + "/v1.0"}).For(graph.Static("t"), "a")
}

const wholeContact = `"parentFolderId":"F","emailAddresses":[],"businessPhones":[],"homePhones":[],"imAddresses":[],"categories":[]`

func contactJSON(id, version, more string) string {
	return fmt.Sprintf(`{"id":%q,"@odata.etag":"W/\"%s\"",%s}`, id, version, more)
}

// What a delta tells in part, twice, or as it was before our own write, does not pass for what is so now.
func TestFF92_DeltaThatIsNotTheWholeTruth(t *testing.T) {
	t.Parallel()
	page := strings.Join([]string{
		contactJSON("part", "2", `"surname":"Told"`),
		contactJSON("twice", "1", wholeContact+`,"surname":"Old"`),
		contactJSON("lagging", "1", wholeContact+`,"surname":"Old"`),
		contactJSON("new", "1", wholeContact+`,"surname":"New"`),
		contactJSON("same", "7", wholeContact+`,"surname":"Same"`),
		contactJSON("twice", "2", wholeContact+`,"surname":"Young"`),
		`{"id":"gone","@removed":{"reason":"deleted"}}`,
		`{"id":"back","@removed":{"reason":"deleted"}}`,
	}, ",")
	box := script(t, map[string]string{
		"/contactFolders":   `{"value":[{"id":"F","displayName":"Tandem","parentFolderId":"top"}]}`,
		"/contacts/delta":   `{"value":[` + page + `],"@odata.deltaLink":"/users/a/delta?$deltatoken=x"}`,
		"/contacts/part":    contactJSON("part", "2", wholeContact+`,"surname":"Told","givenName":"Untold"`),
		"/contacts/lagging": contactJSON("lagging", "2", wholeContact+`,"surname":"Ours"`),
		"/contacts/back":    contactJSON("back", "3", wholeContact+`,"surname":"Back"`),
	})
	known := func(_ context.Context, _ []record.Ref) (map[record.Ref]record.Version, error) {
		return map[record.Ref]record.Version{"lagging": `W/"2"`, "same": `W/"7"`}, nil
	}
	got, err := NewContacts(box, Options{Container: "F"}, known).Changes(t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	want := map[record.Ref]string{
		"part": `0 W/"2" Untold Told`, "twice": `0 W/"2"  Young`, "lagging": `0 W/"2"  Ours`, "new": `0 W/"1"  New`, "same": `0 W/"7"  Same`,
		"gone": `2   `, "back": `0 W/"3"  Back`,
	}
	if len(got.Changes) != len(want) {
		t.Errorf("%d changes, want %d", len(got.Changes), len(want))
	}
	for _, c := range got.Changes {
		if told := fmt.Sprint(c.State, c.Version, c.Fields["givenName"], c.Fields["surname"]); strings.ReplaceAll(told, " ", "") != strings.ReplaceAll(want[c.Ref], " ", "") {
			t.Errorf("%s: %s, want %s", c.Ref, told, want[c.Ref])
		}
	}
}

// Links that lead nowhere, to themselves or to somebody else are no round. One to somebody else, such as a cursor from
// before Graph had another address, is not followed, and the round begins afresh.
func TestDeltaLinks(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]string{
		"nowhere": ``, "to somebody else": `,"@odata.nextLink":"https://evil.example/v1.0/x"`,
	} {
		box := script(t, map[string]string{
			"/contactFolders": `{"value":[{"id":"F"}]}`, "/contacts/delta": `{"value":[]` + link + `}`,
		})
		side := NewContacts(box, Options{Container: "F"}, nil)
		page, err := side.Changes(t.Context(), "", 0)
		if err == nil {
			_, err = side.Changes(t.Context(), page.Next, 0)
		}
		if err == nil || (fault.ReasonOf(err) == fault.CursorExpired) != (link != "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FIELD-FAILURES 90: the link of a round is opaque, and is asked for again just as it came.
func TestFF90_LinksAreFollowedAsTheyCame(t *testing.T) {
	t.Parallel()
	const told = "/v1.0/users('a')/contactFolders('F')/contacts/delta?$deltatoken=a%2Fb+c%3D&tenant=x&%24unknown=1%202&changeType="
	var asked []string
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		delta := fmt.Sprintf(`{"value":[],"@odata.deltaLink":%q}`, server.URL+told)
		if !strings.HasSuffix(r.URL.Path, "$batch") {
			asked = append(asked, r.URL.RequestURI())
			_, _ = io.WriteString(w, delta)
			return
		}
		var batch struct {
			Requests []struct{ ID, URL string } `json:"requests"`
		}
		_ = json.NewDecoder(r.Body).Decode(&batch)
		var parts []string
		for _, p := range batch.Requests {
			body := delta
			if path, _, _ := strings.Cut(p.URL, "?"); strings.HasSuffix(path, "/contactFolders") {
				body = `{"value":[{"id":"F","displayName":"Tandem","parentFolderId":"top"}]}`
			} else {
				asked = append(asked, "/v1.0"+p.URL)
			}
			parts = append(parts, fmt.Sprintf(`{"id":%q,"status":200,"body":%s}`, p.ID, body))
		}
		_, _ = io.WriteString(w, `{"responses":[`+strings.Join(parts, ",")+`]}`)
	}))
	t.Cleanup(server.Close)
	side := NewContacts(graph.New(graph.Options{BaseURL: server.URL + "/v1.0"}).For(graph.Static("t"), "a"), Options{Container: "F"}, nil)
	page, err := side.Changes(t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if page, err = side.Changes(t.Context(), page.Next, 0); err != nil || asked[len(asked)-1] != told {
		t.Errorf("%v: asked for %s", err, asked)
	}
	stored := page.Next
	if _, err = side.Changes(t.Context(), stored, 0); err != nil || asked[len(asked)-1] != told {
		t.Errorf("the time after: %v: asked for %s", err, asked)
	}
}

// FIELD-FAILURES 121: a container that Graph has given another id is known by its mark.
func TestFF121_ContainerWithAnotherID(t *testing.T) {
	t.Parallel()
	list := `{"value":[{"id":"G","displayName":"Tandem","parentFolderId":"top","singleValueExtendedProperties":[{"id":"` + strings.ToUpper(linkMark[:20]) + linkMark[20:] + `","value":"1/2/contacts"}]}]}`
	page := `{"value":[` + contactJSON("x", "1", strings.ReplaceAll(wholeContact, `"F"`, `"G"`)) + `],"@odata.deltaLink":"/users/a/contactFolders/G/contacts/delta?$deltatoken=x"}`
	box := script(t, map[string]string{"/contactFolders": list, "/contactFolders/G/contacts/delta": page})
	o := Options{Container: "F", Mark: "1/2/contacts"}
	side := NewContacts(box, o, nil)
	got, err := side.Changes(t.Context(), "", 0)
	if err != nil || len(got.Changes) != 1 || side.Container() != "G" {
		t.Fatalf("%v, %+v in %s", err, got, side.Container())
	}
	if _, err = NewContacts(box, o, nil).Changes(t.Context(), `{"v":1,"delta":"/users/a/contactFolders/F/contacts/delta?$deltatoken=y"}`, 0); fault.ReasonOf(err) != fault.CursorExpired {
		t.Errorf("a delta of the old id: %v", err)
	}
	if again, err := NewContacts(box, o, nil).Changes(t.Context(), `{"v":1,"delta":"/users/a/contactFolders/G/contacts/delta?$deltatoken=x"}`, 0); err != nil || again.Next == "" {
		t.Errorf("a delta of the id that it has now, which the link does not know: %v", err)
	}
	if _, err = NewContacts(box, Options{Container: "G", Mark: "1/2/contacts"}, nil).Changes(t.Context(), `{"v":1,"delta":"/users/a/contactFolders/F/contacts/delta?$deltatoken=y"}`, 0); fault.ReasonOf(err) != fault.CursorExpired {
		t.Errorf("a delta of another id, which is not found: %v", err)
	}
	if _, err = NewContacts(box, Options{Container: "F", Mark: "1/3/contacts"}, nil).Changes(t.Context(), "", 0); fault.ReasonOf(err) != fault.ContainerDeleted {
		t.Errorf("somebody else's mark: %v", err)
	}
}
