package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/graph"
)

// TestDescribe holds what becomes of a person against answers as Graph's pages print them, and against refusals.
func TestDescribe(t *testing.T) {
	t.Parallel()
	const oid = "33333333-3333-4333-8333-333333333333"
	forbidden := "403 " + `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}`
	good := map[string]string{
		"/users/" + oid: `{"id":"` + oid + `","displayName":"Ana Lima","givenName":"Ana","surname":"Lima","mail":"ana.lima@contoso.example",
			"userPrincipalName":"ana@contoso.example","preferredLanguage":"pt-PT","userType":"Member"}`,
		"/users/" + oid + "/transitiveMemberOf/microsoft.graph.directoryRole": `{"value":[{"id":"a1","displayName":"Global Administrator","roleTemplateId":"` + account.GlobalAdministrator + `"}]}`,
		"/organization":                      `{"value":[{"id":"t1","displayName":"Contoso"}]}`,
		"/users/" + oid + "/mailboxSettings": `{"timeZone":"E. South America Standard Time"}`,
	}
	identity := account.Identity{TenantID: "11111111-1111-4111-8111-111111111111", ObjectID: oid}
	token := account.Arrival{Identity: identity, Username: "old@contoso.example", FirstName: "A.", Locale: "en", Roles: []string{"another-role"}}
	full := account.Arrival{
		Identity: identity, Username: "ana@contoso.example", Email: "ana.lima@contoso.example", FirstName: "Ana", LastName: "Lima",
		Tenant: "Contoso", Locale: "pt-BR", Zone: "America/Sao_Paulo", Roles: []string{"another-role", account.GlobalAdministrator},
	}
	with := func(change func(*account.Arrival)) account.Arrival {
		a := full
		change(&a)
		return a
	}
	const roles, settings = "/users/" + oid + "/transitiveMemberOf/microsoft.graph.directoryRole", "/users/" + oid + "/mailboxSettings"
	for _, row := range []struct {
		name   string
		answer map[string]string // in place of the good ones
		want   account.Arrival
		kind   fault.Kind // of the error, where one is expected
	}{
		{name: "all is told", want: full},
		{name: "no mailbox settings", answer: map[string]string{settings: forbidden}, want: with(func(a *account.Arrival) { a.Zone = "" })},
		{name: "no mailbox", answer: map[string]string{settings: "404 " + `{"error":{"code":"MailboxNotEnabledForRESTAPI","message":"none"}}`},
			want: with(func(a *account.Arrival) { a.Zone = "" })},
		{name: "roles are forbidden", answer: map[string]string{roles: forbidden},
			want: with(func(a *account.Arrival) { a.Roles, a.RolesUnread = []string{"another-role"}, true })},
		{name: "roles without a template", answer: map[string]string{roles: `{"value":[{"id":"a1","displayName":null,"roleTemplateId":null}]}`},
			want: with(func(a *account.Arrival) { a.Roles, a.RolesUnread = []string{"another-role"}, true })},
		{name: "no roles", answer: map[string]string{roles: `{"value":[]}`}, want: with(func(a *account.Arrival) { a.Roles = []string{"another-role"} })},
		{name: "a guest", answer: map[string]string{"/users/" + oid: strings.Replace(good["/users/"+oid], "Member", "Guest", 1)},
			want: with(func(a *account.Arrival) { a.Guest = true })},
		{name: "nothing but the token", answer: map[string]string{"/users/" + oid: forbidden, roles: forbidden, settings: forbidden, "/organization": forbidden},
			want: account.Arrival{Identity: identity, Username: "old@contoso.example", FirstName: "A.", Locale: "en", Roles: []string{"another-role"}, Untold: true, RolesUnread: true}},
		{name: "Graph is away", answer: map[string]string{roles: `503 {"error":{"code":"ServiceUnavailable","message":"later"}}`}, kind: fault.Unavailable},
		{name: "no name of the tenant to be had", answer: map[string]string{"/organization": `500 {"error":{"code":"InternalServerError","message":"later"}}`},
			want: with(func(a *account.Arrival) { a.Tenant = "" })},
		{name: "a hanging mailbox", answer: map[string]string{settings: "hang"}, want: with(func(a *account.Arrival) { a.Zone = "" })},
		{name: "a hanging directory", answer: map[string]string{roles: "hang"}, kind: fault.Unavailable},
		{name: "a page in place of the roles", answer: map[string]string{roles: "200 <html>Maintenance</html>"}, kind: fault.Unavailable},
		{name: "a page in place of the person", answer: map[string]string{"/users/" + oid: "200 <html>Maintenance</html>"}, kind: fault.Unavailable},
		{name: "Graph is busy", answer: map[string]string{roles: `429 {"error":{"code":"TooManyRequests","message":"later"}}`}, kind: fault.Throttled},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, ok := row.answer[r.URL.Path]
				if !ok {
					body, ok = good[r.URL.Path]
				}
				if !ok || r.Header.Get("Authorization") != "Bearer the-token" {
					t.Errorf("asked for %s with %q", r.URL.Path, r.Header.Get("Authorization"))
				}
				if body == "hang" {
					<-r.Context().Done()
					return
				}
				status := 200
				if body[0] != '{' {
					_, _ = fmt.Sscanf(body, "%d", &status)
					body = body[4:]
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			}))
			defer server.Close()
			n := &neighbour{client: graph.New(graph.Options{
				BaseURL: server.URL, Sleep: func(context.Context, time.Duration) error { return nil }, Limits: graph.Limits{Tries: 2},
			})}
			got, err := n.Describe(t.Context(), "the-token", token)
			if row.kind != fault.Broken {
				if !fault.Is(err, row.kind) {
					t.Fatalf("%v, expected a fault that is %s", err, row.kind)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, row.want) {
				t.Errorf("came    %+v, %v\nexpected %+v", got, err, row.want)
			}
			if !reflect.DeepEqual(token.Roles, []string{"another-role"}) {
				t.Error("the token's roles were changed")
			}
		})
	}
}
