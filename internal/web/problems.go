package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"tandem/internal/fault"
)

// Reasons of faults that only sign-in knows.
const (
	reasonState    fault.Reason = "signin_state"
	reasonPersonal fault.Reason = "signin_personal"
)

// A problem is a way in which signing in or consenting did not work, with the words problem.<key>.title and .text.
type problem struct {
	key    string
	status int
	final  bool   // trying again at once will not help
	code   string // Microsoft's number, for whoever is asked for help
}

// The problems that we find ourselves.
var (
	problemGeneral     = problem{key: "general", status: http.StatusForbidden}
	problemState       = problem{key: "state", status: http.StatusBadRequest}
	problemPersonal    = problem{key: "personal", status: http.StatusForbidden}
	problemAway        = problem{key: "away", status: http.StatusServiceUnavailable}
	problemApp         = problem{key: "app", status: http.StatusServiceUnavailable, final: true}
	problemDeactivated = problem{key: "deactivated", status: http.StatusForbidden, final: true}
	problemOtherPerson = problem{key: "other_person", status: http.StatusForbidden}
	problemNotTied     = problem{key: "not_tied", status: http.StatusForbidden, final: true}
	problemPartly      = problem{key: "partly", status: http.StatusForbidden}
	problemTicket      = problem{key: "ticket", status: http.StatusForbidden, final: true}
	problemConsented   = problem{key: "consented", status: http.StatusOK, final: true} // none at all, but told like one
)

// said are the problems that Microsoft tells by number or by error code. It asks programs not to rely on the numbers,
// so each is only a better word for what the code says anyway.
var said = []struct {
	sign    string // AADSTS number, or value of the parameter error
	problem problem
}{
	{"AADSTS90094", problem{key: "admin_consent", status: http.StatusForbidden}},  // an administrator must consent
	{"AADSTS90093", problem{key: "admin_consent", status: http.StatusForbidden}},  // the same, said by Graph's permissions
	{"AADSTS900941", problem{key: "admin_consent", status: http.StatusForbidden}}, // the app is thought risky
	{"AADSTS65001", problem{key: "admin_consent", status: http.StatusForbidden}},  // nobody consented
	{"AADSTS65004", problem{key: "declined", status: http.StatusForbidden}},
	{"AADSTS50105", problem{key: "not_assigned", status: http.StatusForbidden}},
	{"AADSTS50020", problem{key: "other_tenant", status: http.StatusForbidden}},
	{"AADSTS50057", problem{key: "disabled", status: http.StatusForbidden, final: true}},
	{"AADSTS53003", problem{key: "conditional", status: http.StatusForbidden}},
	{"AADSTS7000215", problemApp}, {"AADSTS7000222", problemApp}, {"AADSTS700016", problemApp},
	{"AADSTS50011", problemApp}, {"AADSTS650057", problemApp},
	{"consent_required", problem{key: "admin_consent", status: http.StatusForbidden}},
	{"access_denied", problem{key: "declined", status: http.StatusForbidden}},
	{"permission_denied", problem{key: "declined", status: http.StatusForbidden}}, // of a consent for everybody
	{"temporarily_unavailable", problemAway}, {"server_error", problemAway},
	{"unauthorized_client", problemApp}, {"invalid_client", problemApp}, {"invalid_scope", problemApp},
}

var aadsts = regexp.MustCompile(`AADSTS\d{4,9}`)

// problemSaid finds the problem behind an error that Microsoft sent the browser back with.
func problemSaid(code, description string) problem {
	number := aadsts.FindString(description)
	for _, sign := range []string{number, code} {
		for _, row := range said {
			if sign != "" && strings.EqualFold(row.sign, sign) {
				p := row.problem
				p.code = number
				return p
			}
		}
	}
	p := problemGeneral
	p.code = number
	return p
}

// problemOf finds the problem behind an error of ours.
func problemOf(err error) problem {
	switch {
	case fault.ReasonOf(err) == reasonState:
		return problemState
	case fault.ReasonOf(err) == reasonPersonal:
		return problemPersonal
	case fault.ReasonOf(err) == fault.AppMisconfigured:
		p := problemApp
		p.code = aadsts.FindString(err.Error())
		return p
	case fault.Is(err, fault.Unavailable), fault.Is(err, fault.Throttled):
		return problemAway
	}
	p := problemSaid("", err.Error())
	return p
}

// problemPage says why the way in was closed, and where it is open.
type problemPage struct {
	Frame   frame
	Key     string
	Text    string
	Code    string
	Retry   string // "" where trying again will not help
	Consent string // where an administrator consents for the organization; "" where that is not the problem
}

// showProblem answers with the problem's page; pairs fill in the blanks of its words.
func (s *Site) showProblem(v *visit, p problem, retry string, pairs ...any) {
	title := v.words.T("problem." + p.key + ".title")
	page := problemPage{
		Frame: s.frame(v, "", title),
		Key:   p.key,
		Text:  v.words.T("problem."+p.key+".text", pairs...),
		Code:  p.code,
		Retry: retry,
	}
	if p.key == "admin_consent" {
		page.Consent = s.consentURL(s.Settings.Tenant, "", "")
	}
	if p.status == http.StatusServiceUnavailable {
		v.w.Header().Set("Retry-After", "30")
	}
	if err := s.render(v, p.status, "problem", page); err != nil {
		s.fail(v, err)
	}
}

func queryEscape(text string) string { return url.QueryEscape(text) }
