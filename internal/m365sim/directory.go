package m365sim

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Template ids of directory roles (microsoft-graph fact sheet §10.5).
const (
	RoleGlobalAdministrator         = "62e90394-69f5-4237-9190-012177145e10"
	RolePrivilegedRoleAdministrator = "e8611ab8-c189-46e8-94e1-60213ab1f814"
	RoleApplicationAdministrator    = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
	RoleUserAdministrator           = "fe930be7-5e62-47db-91af-98c3a49a38b1"
)

// roleNames are the display names of the roles that somebody may hold.
var roleNames = map[string]string{
	RoleGlobalAdministrator:         "Global Administrator",
	RolePrivilegedRoleAdministrator: "Privileged Role Administrator",
	RoleApplicationAdministrator:    "Application Administrator",
	RoleUserAdministrator:           "User Administrator",
}

// A Tenant is one organization in Entra ID.
type Tenant struct {
	ID     string // a GUID, always the same for the same domain
	Domain string
	Name   string

	mu      sync.RWMutex
	people  []*Person
	counted *census // of these people; nil after a change
}

// People lists everybody in the tenant, in the order in which they were added. The list is the caller's own.
func (t *Tenant) People() []*Person {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Clone(t.people)
}

// replace puts a changed entry in the place of the old one.
func (t *Tenant) replace(old, changed *Person) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.people, old); i >= 0 {
		t.people[i], t.counted = changed, nil
	}
}

// A Person is an entry of the directory. It is not changed after it was published: EditPerson replaces it.
type Person struct {
	TenantID string
	ID       string // the oid, a GUID, always the same for the same UPN at the start
	UPN      string
	Mail     string // may be empty

	DisplayName, GivenName, Surname      string
	JobTitle, Department, OfficeLocation string

	AccountEnabled bool
	UserType       string // Member or Guest
	HasMailbox     bool
	Roles          []string // template ids of the active directory roles
	TimeZone       string   // a Windows name
	Language       string   // such as pt-BR
}

// HasRole reports whether the person holds the directory role with that template id.
func (p *Person) HasRole(templateID string) bool {
	for _, role := range p.Roles {
		if role == templateID {
			return true
		}
	}
	return false
}

// Tenants lists all tenants, contoso.example first.
func (s *Sim) Tenants() []*Tenant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return append([]*Tenant(nil), s.tenants...)
}

// Tenant finds a tenant by id or domain; nil when there is none.
func (s *Sim) Tenant(idOrDomain string) *Tenant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, t := range s.tenants {
		if strings.EqualFold(t.ID, idOrDomain) || strings.EqualFold(t.Domain, idOrDomain) {
			return t
		}
	}
	return nil
}

// Person finds somebody by UPN, mail address or oid, over all tenants; nil when there is nobody.
func (s *Sim) Person(name string) *Person {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.person(name)
}

func (s *Sim) person(name string) *Person {
	if p, ok := s.byOID[name]; ok {
		return p
	}
	return s.byName[strings.ToLower(name)]
}

// EditPerson changes an entry of the directory, as an administrator would: a new UPN, a role taken away,
// an account disabled. The oid, the tenant and the mailbox's contents stay. It reports whether name was found.
func (s *Sim) EditPerson(name string, edit func(*Person)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.person(name)
	if old == nil {
		return false
	}
	changed := *old
	changed.Roles = append([]string(nil), old.Roles...)
	edit(&changed)
	changed.ID, changed.TenantID = old.ID, old.TenantID
	for _, t := range s.tenants {
		t.replace(old, &changed)
	}
	delete(s.byName, strings.ToLower(old.UPN))
	delete(s.byName, strings.ToLower(old.Mail))
	s.enter(&changed)
	return true
}

// enter makes a person findable, and tells the mailbox that there may be whose it is now. The caller holds s.mu.
func (s *Sim) enter(p *Person) {
	s.byOID[p.ID] = p
	s.byName[strings.ToLower(p.UPN)] = p
	if p.Mail != "" {
		s.byName[strings.ToLower(p.Mail)] = p
	}
	if box := s.boxes[p.ID]; box != nil {
		box.owner.Store(p)
		box.enabled.Store(p.HasMailbox)
	}
}

// populate fills the directory. The same people come out each time, with the same ids.
func (s *Sim) populate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.born.Store(time.Now().UnixNano())
	s.byOID = map[string]*Person{}
	s.byName = map[string]*Person{}
	s.boxes = map[string]*mailbox{}

	contoso := newTenant("contoso.example", "Contoso")
	fabrikam := newTenant("fabrikam.example", "Fabrikam")
	northwind := newTenant("northwind.example", "Northwind Traders")
	s.tenants = []*Tenant{contoso, fabrikam, northwind}

	contoso.add("admin", "MOD", "Administrator", func(p *Person) { p.Roles = []string{RoleGlobalAdministrator}; p.JobTitle = "Administrator" })
	for _, row := range []struct{ name, given, surname, title, department, zone, language string }{
		{"adele", "Adele", "Vance", "Retail Manager", "Retail", saoPaulo, "pt-BR"},
		{"alex", "Alex", "Wilber", "Marketing Assistant", "Marketing", saoPaulo, "pt-BR"},
		{"diego", "Diego", "Siciliani", "HR Manager", "HR", "W. Europe Standard Time", "it-IT"},
		{"grady", "Grady", "Archie", "Designer", "R&D", "Pacific Standard Time", "en-US"},
		{"isaiah", "Isaiah", "Langer", "Web Marketing Manager", "Sales", "Eastern Standard Time", "en-US"},
		{"lee", "Lee", "Gu", "Director", "Manufacturing", "China Standard Time", "en-US"},
		{"megan", "Megan", "Bowen", "Auditor", "Finance", "GMT Standard Time", "en-GB"},
	} {
		contoso.add(row.name, row.given, row.surname, func(p *Person) {
			p.JobTitle, p.Department, p.TimeZone, p.Language = row.title, row.department, row.zone, row.language
		})
	}
	contoso.add("nomailbox", "Nestor", "Wilke", func(p *Person) { p.HasMailbox, p.Department = false, "Operations" })
	contoso.add("disabled", "Pradeep", "Gupta", func(p *Person) { p.AccountEnabled, p.Department = false, "Finance" })
	contoso.add("guest", "Gerda", "Gast", func(p *Person) {
		p.UPN = "gerda_partner.example#EXT#@contoso.example"
		p.Mail = "gerda@partner.example"
		p.UserType, p.HasMailbox = "Guest", false
	})
	contoso.crowd(0, 500)

	fabrikam.add("admin", "Fabrikam", "Administrator", func(p *Person) { p.Roles = []string{RoleGlobalAdministrator}; p.JobTitle = "Administrator" })
	fabrikam.add("patti", "Patti", "Fernandez", nil)
	fabrikam.add("henrietta", "Henrietta", "Mueller", func(p *Person) { p.TimeZone, p.Language = "W. Europe Standard Time", "de-DE" })
	fabrikam.add("joni", "Joni", "Sherman", nil)

	// Nobody here has used any app yet: the tenant to install one in.
	northwind.add("admin", "Northwind", "Administrator", func(p *Person) { p.Roles = []string{RoleGlobalAdministrator}; p.JobTitle = "Administrator" })
	northwind.add("enrico", "Enrico", "Cattaneo", func(p *Person) {
		p.Roles, p.JobTitle, p.Department = []string{RoleApplicationAdministrator}, "Systems Engineer", "IT"
	})
	northwind.add("lidia", "Lidia", "Holloway", func(p *Person) {
		p.Roles, p.JobTitle, p.Department = []string{RoleUserAdministrator}, "Product Manager", "IT"
	})
	northwind.add("marta", "Marta", "Sardinha", nil)
	northwind.add("otavio", "Otávio", "Lemos", func(p *Person) { p.JobTitle = "Buyer" })
	northwind.add("rosa", "Rosa", "Quintela", func(p *Person) { p.JobTitle, p.Department = "Accountant", "Finance" })
	northwind.add("tomas", "Tomás", "Brandão", func(p *Person) { p.JobTitle, p.Department = "Driver", "Operations" })

	for _, t := range s.tenants {
		for _, p := range t.People() {
			s.enter(p)
		}
	}
}

// saoPaulo is where most people of all tenants live.
const saoPaulo = "E. South America Standard Time"

func newTenant(domain, name string) *Tenant {
	return &Tenant{ID: guid("tenant", domain), Domain: domain, Name: name}
}

// guid derives a GUID from words, so that ids are the same in each run.
func guid(words ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceDNS, []byte("m365sim/"+strings.Join(words, "/"))).String()
}

func (t *Tenant) add(name, given, surname string, edit func(*Person)) *Person {
	p := &Person{
		TenantID: t.ID,
		UPN:      name + "@" + t.Domain, Mail: name + "@" + t.Domain,
		DisplayName: strings.TrimSpace(given + " " + surname), GivenName: given, Surname: surname,
		JobTitle: "Consultant", Department: "Sales", OfficeLocation: "18/2111",
		AccountEnabled: true, UserType: "Member", HasMailbox: true,
		TimeZone: saoPaulo, Language: "pt-BR",
	}
	if edit != nil {
		edit(p)
	}
	p.ID = guid("person", p.UPN)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.people, t.counted = append(t.people, p), nil
	return p
}

// crowd adds n people whose names are combined from two lists, so that lists need several pages. before is how many
// came earlier. After 500 everybody has a second surname; namesakes there are from 10,000 on, as in life.
func (t *Tenant) crowd(before, n int) []*Person {
	given := []string{"Ana", "Bruno", "Camila", "Daniel", "Elisa", "Felipe", "Gabriela", "Hugo", "Isabela", "João", "Karina", "Lucas",
		"Mariana", "Nélson", "Olívia", "Paulo", "Quitéria", "Rafael", "Sofia", "Tiago", "Úrsula", "Vítor", "Wagner", "Ximena", "Yara"}
	surname := []string{"Almeida", "Barbosa", "Cardoso", "Duarte", "Esteves", "Ferreira", "Gonçalves", "Henriques", "Iglesias", "Junqueira",
		"Klein", "Lacerda", "Machado", "Nogueira", "Oliveira", "Pacheco", "Queiroz", "Ribeiro", "Santana", "Teixeira"}
	departments := []string{"Sales", "Marketing", "Finance", "Operations", "R&D", "HR", "Support"}
	titles := []string{"Account Executive", "Analyst", "Engineer", "Coordinator", "Assistant", "Manager"}
	zones := []string{saoPaulo, saoPaulo, saoPaulo, saoPaulo, "Central Brazilian Standard Time", "SA Western Standard Time", "GMT Standard Time"}
	came := make([]*Person, 0, n)
	for i := before; i < before+n; i++ {
		g, s := given[i%len(given)], surname[i/len(given)%len(surname)]
		if round := i / (len(given) * len(surname)); round > 0 {
			s += " " + surname[round%len(surname)]
		}
		came = append(came, t.add(fmt.Sprintf("person%03d", i+1), g, s, func(p *Person) {
			p.Department, p.JobTitle = departments[i%len(departments)], titles[i%len(titles)]
			p.TimeZone = zones[i%len(zones)]
			p.OfficeLocation = fmt.Sprintf("%d/%d", 10+i%9, 1000+i)
		}))
	}
	return came
}

// Crowd adds n people of the crowd to a tenant, beside those who are there: for directories of the size that large
// companies have. It reports how many people the tenant has then; 0: there is no such tenant.
func (s *Sim) Crowd(domain string, n int) int {
	t := s.Tenant(domain)
	if t == nil || n < 0 {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := 0
	for _, p := range t.People() {
		if crowdKey(p) == "2" {
			before++
		}
	}
	for _, p := range t.crowd(before, n) {
		s.enter(p)
	}
	return len(t.People())
}

// AddPerson adds somebody to a tenant, as name@domain; edit may change what people have by default. nil when there
// is no such tenant or the name is taken.
func (s *Sim) AddPerson(domain, name, given, surname string, edit func(*Person)) *Person {
	t := s.Tenant(domain)
	if t == nil || s.Person(name+"@"+t.Domain) != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := t.add(name, given, surname, edit)
	s.enter(p)
	return p
}
