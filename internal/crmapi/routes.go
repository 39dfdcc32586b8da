package crmapi

import (
	"net/http"
	"strings"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// routes are all requests that are answered. A wildcard stands in braces; {module} is one of modules, of whose records
// whoever asks needs to be allowed what needs says. Of two routes that fit, the earlier one is taken.
var routes = []struct {
	method, path string
	handle       func(*call) error
	needs        func(record.Access) bool
}{
	{"GET", "/crm/v8/users", (*call).users, nil},
	{"GET", "/crm/v8/users/actions/count", (*call).countUsers, nil},
	{"GET", "/crm/v8/users/{id}", (*call).oneUser, nil},
	{"GET", "/crm/v8/org", (*call).org, nil},
	{"GET", "/crm/v8/settings/modules", (*call).modules, nil},
	{"GET", "/crm/v8/settings/modules/{name}", (*call).oneModule, nil},
	{"GET", "/crm/v8/settings/fields", (*call).fields, nil},
	{"GET", "/crm/v8/settings/fields/{id}", (*call).oneField, nil},

	{"GET", "/crm/v8/{module}", (*call).list, views},
	{"POST", "/crm/v8/{module}", (*call).insert, creates},
	{"PUT", "/crm/v8/{module}", (*call).update, edits},
	{"DELETE", "/crm/v8/{module}", (*call).remove, deletes},
	{"GET", "/crm/v8/{module}/deleted", (*call).deleted, views},
	{"GET", "/crm/v8/{module}/search", (*call).search, views},
	{"GET", "/crm/v8/{module}/actions/count", (*call).count, views},
	{"POST", "/crm/v8/{module}/actions/mass_update", (*call).massUpdate, edits},
	{"GET", "/crm/v8/{module}/{id}", (*call).one, views},
	{"PUT", "/crm/v8/{module}/{id}", (*call).updateOne, edits},
	{"DELETE", "/crm/v8/{module}/{id}", (*call).removeOne, deletes},
	{"GET", "/crm/v8/{module}/{id}/__timeline", (*call).timeline, views},
	{"GET", "/crm/v8/{module}/{id}/photo", (*call).photo, views},
	{"POST", "/crm/v8/{module}/{id}/photo", (*call).setPhoto, edits},
	{"DELETE", "/crm/v8/{module}/{id}/photo", (*call).removePhoto, edits},

	{"GET", "/api/v1/links", (*call).links, nil},
	{"POST", "/api/v1/links", (*call).switchOn, nil},
	{"PATCH", "/api/v1/links/{id}", (*call).changeLink, nil},
	{"DELETE", "/api/v1/links/{id}", (*call).switchOff, nil},
	{"POST", "/api/v1/links/{id}/run", (*call).runLink, nil},
	{"GET", "/api/v1/links/{id}/records", (*call).linkRecords, nil},
	{"GET", "/api/v1/links/{id}/history", (*call).linkHistory, nil},
	{"GET", "/api/v1/links/{id}/asks", (*call).linkAsks, nil},
	{"POST", "/api/v1/links/{id}/asks", (*call).decideAsk, nil},
}

func views(a record.Access) bool   { return a.View != record.Nobodys }
func creates(a record.Access) bool { return a.Create }
func edits(a record.Access) bool   { return a.Edit != record.Nobodys }
func deletes(a record.Access) bool { return a.Delete != record.Nobodys }

// route finds what the request asks for.
func (c *call) route() (func(*call) error, error) {
	path := strings.TrimSuffix(c.r.URL.Path, "/")
	method := c.r.Method
	if method == http.MethodHead { // the answer to GET; the server keeps its body back
		method = http.MethodGet
	}
	var known bool
	var module string
	for _, r := range routes {
		args, ok := match(r.path, path)
		if !ok {
			continue
		}
		if name, ok := args["module"]; ok {
			if c.module = c.moduleNamed(name); c.module == nil {
				module = name
				continue
			}
		}
		known = true
		if r.method != method {
			continue
		}
		if r.needs != nil && !r.needs(c.actor.May(c.module.kind)) {
			return nil, kinds[fault.Denied]
		}
		c.args = args
		return r.handle, nil
	}
	switch {
	case known:
		return nil, problem{status: 400, code: "INVALID_REQUEST_METHOD",
			message: "The http request method type is not a valid one"}
	case module != "":
		return nil, problem{status: 400, code: "INVALID_MODULE", message: "the module name given seems to be invalid",
			details: object{"resource_path_index": 0}}
	}
	return nil, problem{status: 404, code: "INVALID_URL_PATTERN",
		message: "Please check if the URL trying to access is a correct one"}
}

// match holds a path against a pattern and gives the wildcards' values.
func match(pattern, path string) (map[string]string, bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return nil, false
	}
	args := map[string]string{}
	for i, w := range want {
		switch {
		case strings.HasPrefix(w, "{") && have[i] != "":
			args[strings.Trim(w, "{}")] = have[i]
		case w != have[i]:
			return nil, false
		}
	}
	return args, true
}
