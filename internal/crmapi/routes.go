package crmapi

import (
	"net/http"
	"strings"
)

// routes are all requests that are answered. A wildcard stands in braces; {module} is one of modules. Of two routes
// that fit, the earlier one is taken.
var routes = []struct {
	method, path string
	handle       func(*call) error
}{
	{"GET", "/crm/v8/users", (*call).users},
	{"GET", "/crm/v8/users/actions/count", (*call).countUsers},
	{"GET", "/crm/v8/users/{id}", (*call).oneUser},
	{"GET", "/crm/v8/org", (*call).org},
	{"GET", "/crm/v8/settings/modules", (*call).modules},
	{"GET", "/crm/v8/settings/modules/{name}", (*call).oneModule},
	{"GET", "/crm/v8/settings/fields", (*call).fields},
	{"GET", "/crm/v8/settings/fields/{id}", (*call).oneField},

	{"GET", "/crm/v8/{module}", (*call).list},
	{"POST", "/crm/v8/{module}", (*call).insert},
	{"PUT", "/crm/v8/{module}", (*call).update},
	{"DELETE", "/crm/v8/{module}", (*call).remove},
	{"GET", "/crm/v8/{module}/deleted", (*call).deleted},
	{"GET", "/crm/v8/{module}/search", (*call).search},
	{"GET", "/crm/v8/{module}/actions/count", (*call).count},
	{"POST", "/crm/v8/{module}/actions/mass_update", (*call).massUpdate},
	{"GET", "/crm/v8/{module}/{id}", (*call).one},
	{"PUT", "/crm/v8/{module}/{id}", (*call).updateOne},
	{"DELETE", "/crm/v8/{module}/{id}", (*call).removeOne},
	{"GET", "/crm/v8/{module}/{id}/__timeline", (*call).timeline},

	{"GET", "/api/v1/links", (*call).links},
	{"POST", "/api/v1/links", (*call).switchOn},
	{"DELETE", "/api/v1/links/{id}", (*call).switchOff},
	{"POST", "/api/v1/links/{id}/run", (*call).runLink},
	{"GET", "/api/v1/links/{id}/records", (*call).linkRecords},
	{"GET", "/api/v1/links/{id}/history", (*call).linkHistory},
}

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
			if c.module = modules[name]; c.module == nil {
				module = name
				continue
			}
		}
		known = true
		if r.method != method {
			continue
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
