package app_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/testkit/browse"
)

// client is a script of one person: a token for the REST API, and hands in the simulated Outlook.
type client struct {
	*demo
	name  string
	token string
}

// client gives a person of Contoso a token, as `tandem token` does.
func (d *demo) client(name string) *client { return d.clientOf(name + "@contoso.example") }

func (d *demo) clientOf(address string) *client {
	d.t.Helper()
	users, err := d.app.Store.Accounts().UsersByEmail(context.Background(), address)
	if err != nil || len(users) != 1 {
		d.t.Fatalf("%s: %v %v", address, users, err)
	}
	token := "token of " + address
	hash := sha256.Sum256([]byte(token))
	if err := d.app.Store.Accounts().CreateToken(context.Background(), users[0].Org, users[0].ID, hash[:], time.Now()); err != nil {
		d.t.Fatal(err)
	}
	return &client{demo: d, name: strings.Split(address, "@")[0], token: token}
}

func (c *client) user() account.User {
	c.t.Helper()
	users, err := c.app.Store.Accounts().UsersByEmail(context.Background(), c.name+"@contoso.example")
	if err != nil {
		c.t.Fatal(err)
	}
	return users[0]
}

// doc is a JSON document as maps and slices.
type doc = map[string]any

// call makes an API request and checks its status.
func (c *client) call(method, path string, body any, want int) doc {
	c.t.Helper()
	text := c.text(method, path, body, want)
	var out doc
	if strings.HasPrefix(text, "{") {
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			c.t.Fatal(err)
		}
	}
	return out
}

func (c *client) text(method, path string, body any, want int) string {
	c.t.Helper()
	status, answer := c.answer(method, path, body)
	if status != want {
		c.t.Fatalf("%s %s: %d, want %d: %s", method, path, status, want, answer)
	}
	return answer
}

// answer makes an API request.
func (c *client) answer(method, path string, body any) (status int, answer string) {
	c.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	if body == nil {
		raw = nil
	}
	req, err := http.NewRequest(method, c.url+path, bytes.NewReader(raw))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Zoho-oauthtoken "+c.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(all)
}

// link is a link of this person as the API tells it, or nil.
func (c *client) link(kind string) doc {
	c.t.Helper()
	var links []doc
	if err := json.Unmarshal([]byte(c.text("GET", "/api/v1/links", nil, 200)), &links); err != nil {
		c.t.Fatal(err)
	}
	for _, l := range links {
		if l["kind"] == kind {
			return l
		}
	}
	return nil
}

// switchOn switches a kind on the way a script does it: ask, and go to Microsoft where told to.
func (c *client) switchOn(kind string) {
	c.t.Helper()
	var told doc
	if err := json.Unmarshal([]byte(c.text("POST", "/api/v1/links", doc{"kind": kind}, 409)), &told); err != nil {
		c.t.Fatal(err)
	}
	if told["code"] != "CONSENT_REQUIRED" {
		c.t.Fatalf("switch on %s: %v", kind, told)
	}
	c.consent(told["url"].(string))
	c.call("POST", "/api/v1/links", doc{"kind": kind}, 201)
	c.settled(kind)
}

// consent follows an address to Microsoft as this person, and back.
func (c *client) consent(address string) *browse.Page {
	c.t.Helper()
	ctx, browser := context.Background(), browse.New()
	page, err := browser.Get(ctx, address)
	if err == nil {
		page, err = browser.Submit(ctx, page, "Sign in", map[string]string{"username": c.name + "@contoso.example"})
	}
	if err == nil && strings.HasPrefix(page.URL.String(), c.sim) {
		page, err = browser.Submit(ctx, page, "Accept", nil)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return page
}

// settled waits until nothing is left to do for a link.
func (c *client) settled(kind string) {
	c.t.Helper()
	c.eventually(kind+" of "+c.name+" settles", func() bool {
		l := c.link(kind)
		return l != nil && l["last_run"] != nil && l["waiting"] == 0.0
	})
}

// insert makes records and returns their ids.
func (c *client) insert(module string, records ...doc) []string {
	c.t.Helper()
	var ids []string
	for _, result := range c.call("POST", "/crm/v8/"+module, doc{"data": records}, 201)["data"].([]any) {
		ids = append(ids, result.(doc)["details"].(doc)["id"].(string))
	}
	return ids
}

// get is a record as the API tells it; nil: not there.
func (c *client) get(module, id string) doc {
	c.t.Helper()
	out := c.text("GET", "/crm/v8/"+module+"/"+id, nil, 200)
	var told doc
	if err := json.Unmarshal([]byte(out), &told); err != nil {
		c.t.Fatal(err)
	}
	return told["data"].([]any)[0].(doc)
}

// list are the records of a module by a field.
func (c *client) list(module, field string) map[string]doc {
	c.t.Helper()
	req, err := http.NewRequest("GET", c.url+"/crm/v8/"+module+"?per_page=200&fields=id,Owner,"+field, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	var told struct{ Data []doc }
	if resp.StatusCode != http.StatusNoContent {
		if err := json.NewDecoder(resp.Body).Decode(&told); err != nil {
			c.t.Fatal(err)
		}
	}
	out := map[string]doc{}
	for _, r := range told.Data {
		name, _ := r[field].(string)
		out[name] = r
	}
	return out
}

// container is the path of the dedicated folder or calendar; "" when there is none.
func (c *client) container(kind string) string {
	c.t.Helper()
	path, name := "/me/calendars", "name"
	if kind == "contacts" {
		path, name = "/me/contactFolders", "displayName"
	}
	_, folders := c.as(c.name).Get(path + "?$top=100")
	for _, f := range folders["value"].([]any) {
		if f.(doc)[name] == "Tandem" {
			return path + "/" + f.(doc)["id"].(string)
		}
	}
	return ""
}

// items are the items of the dedicated container by a property.
func (c *client) items(kind, property string) map[string]doc {
	c.t.Helper()
	container, collection := c.container(kind), "/events"
	if kind == "contacts" {
		collection = "/contacts"
	}
	if container == "" {
		return nil
	}
	out := map[string]doc{}
	_, page := c.as(c.name).Prefer(`IdType="ImmutableId"`).Get(container + collection + "?$top=999")
	for _, item := range page["value"].([]any) {
		name, _ := item.(doc)[property].(string)
		out[name] = item.(doc)
	}
	return out
}
