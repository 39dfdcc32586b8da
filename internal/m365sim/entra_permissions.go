package m365sim

import (
	"net/url"
	"slices"
	"strings"
)

// A permission is one row of the catalogue of what an app may ask for. The consent page says it in
// words, the authorize endpoint asks who may grant it, and the token endpoint puts its name in tokens.
type permission struct {
	name      string // as a scope or an application role
	identity  bool   // belongs to OpenID Connect itself, not to Graph
	adminOnly bool   // as a delegated permission, only an administrator may grant it
	appRole   bool   // exists as an application permission too
	en, pt    string // what a person reads before granting it
}

var permissions = []permission{
	{"openid", true, false, false, "Sign you in", "Identificar você"},
	{"profile", true, false, false, "View your basic profile", "Ver seu perfil básico"},
	{"email", true, false, false, "View your e-mail address", "Ver seu endereço de e-mail"},
	{"offline_access", true, false, false, "Keep access to what you have allowed, also while you are away", "Manter o acesso ao que você permitiu, mesmo na sua ausência"},

	{"User.Read", false, false, false, "Sign you in and read your profile", "Identificar você e ler seu perfil"},
	{"User.ReadBasic.All", false, false, true, "Read the names and addresses of everybody in your organization", "Ler nomes e endereços de todos na sua organização"},
	{"User.Read.All", false, true, true, "Read the full profiles of everybody in your organization", "Ler os perfis completos de todos na sua organização"},
	{"Directory.Read.All", false, true, true, "Read everything in your organization's directory", "Ler tudo no diretório da sua organização"},
	{"Organization.Read.All", false, true, true, "Read the facts about your organization", "Ler os dados da sua organização"},
	{"RoleManagement.Read.Directory", false, true, true, "Read who holds which administrator role", "Ler quem tem cada função de administrador"},
	{"GroupMember.Read.All", false, true, true, "Read who is a member of which group", "Ler quem participa de cada grupo"},
	{"Calendars.Read", false, false, true, "Read your calendars", "Ler seus calendários"},
	{"Calendars.ReadWrite", false, false, true, "Read and change your calendars", "Ler e alterar seus calendários"},
	{"Contacts.Read", false, false, true, "Read your contacts", "Ler seus contatos"},
	{"Contacts.ReadWrite", false, false, true, "Read and change your contacts", "Ler e alterar seus contatos"},
	{"MailboxSettings.Read", false, false, true, "Read your mailbox settings, such as your time zone", "Ler as configurações da sua caixa de correio, como o fuso horário"},
	{"MailboxSettings.ReadWrite", false, false, true, "Read and change your mailbox settings", "Ler e alterar as configurações da sua caixa de correio"},
	{"Mail.Send", false, false, true, "Send mail as you", "Enviar e-mails em seu nome"},
}

// graphResource is how Graph is called in scopes, whatever address the simulator answers at.
const graphResource = "https://graph.microsoft.com/"

// defaultScope asks for whatever the app registration declares.
const defaultScope = ".default"

func findPermission(name string) (permission, bool) {
	i := slices.IndexFunc(permissions, func(p permission) bool { return strings.EqualFold(p.name, name) })
	if i < 0 {
		return permission{}, false
	}
	return permissions[i], true
}

// askedScopes is a scope parameter taken apart.
type askedScopes struct {
	names     []string // canonical names of known permissions, in the order asked, each once
	isDefault bool     // ".default" was among them
	long      bool     // Graph's permissions were written with the resource in front
	unknown   string   // the first one that nothing here knows
}

// parseScopes reads "openid https://graph.microsoft.com/Calendars.ReadWrite User.Read".
func parseScopes(raw string) askedScopes {
	var asked askedScopes
	for _, word := range strings.Fields(raw) {
		name := word
		if u, err := url.Parse(word); err == nil && u.Scheme != "" && u.Host != "" {
			name = word[strings.LastIndexByte(word, '/')+1:]
			asked.long = true
		}
		if name == defaultScope {
			asked.isDefault = true
			continue
		}
		p, ok := findPermission(name)
		if !ok {
			if asked.unknown == "" {
				asked.unknown = word
			}
			continue
		}
		if !slices.Contains(asked.names, p.name) {
			asked.names = append(asked.names, p.name)
		}
	}
	return asked
}

// resolve replaces .default by what the app declares.
func (a askedScopes) resolve(app App) []string {
	names := slices.Clone(a.names)
	if a.isDefault {
		names = union(names, app.Permissions)
	}
	return names
}

// spell writes scopes for the answer of the token endpoint, in the manner in which they were asked for.
// offline_access is granted by a refresh token, never named.
func spellScopes(names []string, long bool) string {
	var words []string
	for _, name := range names {
		p, ok := findPermission(name)
		switch {
		case name == "offline_access":
		case ok && !p.identity && long:
			words = append(words, graphResource+name)
		default:
			words = append(words, name)
		}
	}
	return strings.Join(words, " ")
}

// onlyGraph drops what belongs to OpenID Connect: an access token speaks of Graph.
func onlyGraph(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		p, ok := findPermission(name)
		return ok && p.identity
	})
}

// needsAdmin reports whether a person without a role may not grant these.
func needsAdmin(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		p, ok := findPermission(name)
		return ok && p.adminOnly
	})
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// missing returns what of want is not in have.
func missing(want, have []string) []string {
	return slices.DeleteFunc(slices.Clone(want), func(s string) bool { return slices.Contains(have, s) })
}
