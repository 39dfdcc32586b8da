package m365sim

import (
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// An oauthError is a refusal of the sign-in side: as a page, at the redirect address, or from the token
// endpoint.
type oauthError struct {
	aadsts   int
	status   int    // of the token endpoint, or of the page
	code     string // OAuth's word
	suberror string
	text     string
	page     bool // must not travel to the redirect address, because that address is in doubt
}

func (e *oauthError) Error() string { return e.code + ": " + e.description() }

// description is what people search the web for.
func (e *oauthError) description() string { return fmt.Sprintf("AADSTS%d: %s", e.aadsts, e.text) }

// The refusals, each once: number, status, OAuth's word, suberror, text (a format), page only.
var (
	errTenantUnknown      = oauthError{90002, 400, "invalid_request", "", "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.", true}
	errAppUnknown         = oauthError{700016, 400, "unauthorized_client", "", "Application with identifier '%s' was not found in the directory '%s'.", true}
	errRedirectMismatch   = oauthError{50011, 400, "invalid_request", "", "The redirect URI '%s' specified in the request does not match the redirect URIs configured for the application '%s'.", true}
	errMissingParameter   = oauthError{900144, 400, "invalid_request", "", "The request body must contain the following parameter: '%s'.", false}
	errMalformed          = oauthError{9002313, 400, "invalid_request", "", "Invalid request. Request is malformed or invalid: %s.", false}
	errGrantMalformed     = oauthError{9002313, 400, "invalid_grant", "", "Invalid request. Request is malformed or invalid: %s.", false}
	errResponseType       = oauthError{700054, 400, "unsupported_response_type", "", "response_type '%s' is not enabled for the application.", false}
	errGrantType          = oauthError{70003, 400, "unsupported_grant_type", "", "The app requested an unsupported grant type '%s'.", false}
	errScopeUnknown       = oauthError{650053, 400, "invalid_client", "", "The application '%s' asked for scope '%s' that doesn't exist on the resource.", false}
	errLoginRequired      = oauthError{50058, 400, "login_required", "", "A silent sign-in request was sent but no user is signed in.", false}
	errConsentNeeded      = oauthError{65001, 400, "interaction_required", "", "The user or administrator has not consented to use the application with ID '%s' named '%s'. Send an interactive authorization request for this user and resource.", false}
	errConsentDeclined    = oauthError{65004, 400, "access_denied", "", "User declined to consent to access the app.", false}
	errAdminNeeded        = oauthError{90094, 403, "access_denied", "", "Admin consent is required for the permissions requested by this application.", false}
	errForeignAccount     = oauthError{50020, 403, "access_denied", "", "User account '%s' from another identity provider does not exist in %s and cannot access the application in that tenant.", true}
	errAccountDisabled    = oauthError{50057, 403, "access_denied", "", "The user account is disabled.", true}
	errAccountUnknown     = oauthError{50034, 403, "access_denied", "", "The user account '%s' does not exist in the directory.", true}
	errCommonNotAllowed   = oauthError{90130, 400, "invalid_request", "", "The endpoint /%s cannot be used here. Use /organizations or the one of a tenant.", true}
	errSecretMissing      = oauthError{7000218, 401, "invalid_client", "", "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.", false}
	errSecretWrong        = oauthError{7000215, 401, "invalid_client", "", "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", false}
	errSecretExpired      = oauthError{7000222, 401, "invalid_client", "", "The provided client secret keys for app '%s' are expired. Create new keys for the app.", false}
	errNoKeys             = oauthError{700026, 401, "invalid_client", "", "Client application has no configured keys.", false}
	errAssertionKey       = oauthError{700027, 401, "invalid_client", "", "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - %s., Thumbprint of key used by client: '%s', app Id '%s']", false}
	errAssertionMalformed = oauthError{50027, 401, "invalid_client", "", "JWT token is invalid or malformed: %s.", false}
	errAssertionClient    = oauthError{700021, 401, "invalid_client", "", "Client assertion application identifier doesn't match 'client_id' parameter.", false}
	errAssertionAudience  = oauthError{700023, 401, "invalid_client", "", "Client assertion audience claim does not match Realm issuer: '%s'.", false}
	errAssertionTime      = oauthError{700024, 401, "invalid_client", "", "Client assertion is not within its valid time range. Current time: %s.", false}
	errCodeExpired        = oauthError{70008, 400, "invalid_grant", "", "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.", false}
	errCodeRedeemed       = oauthError{54005, 400, "invalid_grant", "", "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.", false}
	errCodeRedirect       = oauthError{500112, 400, "invalid_grant", "", "The reply address '%s' does not match the reply address provided when requesting the authorization code.", false}
	errVerifier           = oauthError{501481, 400, "invalid_grant", "", "The Code_Verifier does not match the code_challenge supplied in the authorization request.", false}
	errWrongClient        = oauthError{700005, 400, "invalid_grant", "", "Provided Authorization Code or refresh token is intended to use against other client: '%s'.", false}
	errRefreshExpired     = oauthError{700082, 400, "invalid_grant", "", "The refresh token has expired due to inactivity. The token was issued on %s and was inactive for 90.00:00:00.", false}
	errGrantRevoked       = oauthError{50173, 400, "invalid_grant", "bad_token", "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.", false}
	errGrantConsent       = oauthError{65001, 400, "invalid_grant", "consent_required", "The user or administrator has not consented to use the application with ID '%s' named '%s'. Send an interactive authorization request for this user and resource.", false}
	errGrantDisabled      = oauthError{50057, 400, "invalid_grant", "", "The user account is disabled.", false}
	errGrantForeign       = oauthError{50020, 400, "invalid_grant", "", "User account '%s' from another identity provider does not exist in tenant '%s'.", false}
	errInteraction        = oauthError{50076, 400, "interaction_required", "basic_action", "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.", false}
	errNoServicePrincipal = oauthError{7000229, 400, "unauthorized_client", "", "The client application '%s' is missing service principal in the tenant '%s'.", false}
	errAppScope           = oauthError{1002012, 400, "invalid_scope", "", "The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier.", false}
)

// refuse fills in the words of one of the refusals.
func refuse(e oauthError, args ...any) *oauthError {
	if len(args) > 0 {
		e.text = fmt.Sprintf(e.text, args...)
	}
	return &e
}

// write sends the refusal as the token endpoint does.
func (e *oauthError) write(w http.ResponseWriter, now time.Time, trace, correlation string) {
	stamp := now.Format("2006-01-02 15:04:05Z")
	body := struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Codes       []int  `json:"error_codes"`
		Timestamp   string `json:"timestamp"`
		Trace       string `json:"trace_id"`
		Correlation string `json:"correlation_id"`
		Suberror    string `json:"suberror,omitempty"`
		Claims      string `json:"claims,omitempty"`
	}{
		Error:       e.code,
		Description: fmt.Sprintf("%s Trace ID: %s Correlation ID: %s Timestamp: %s", e.description(), trace, correlation, stamp),
		Codes:       []int{e.aadsts}, Timestamp: stamp, Trace: trace, Correlation: correlation, Suberror: e.suberror,
	}
	if e.aadsts == errInteraction.aadsts {
		body.Claims = `{"access_token":{"capolids":{"essential":true,"values":["` + guid("policy", "mfa") + `"]}}}`
	}
	writeEntraJSON(w, e.status, body)
}

// params is the refusal as it travels to a redirect address.
func (e *oauthError) params(state string) url.Values {
	v := url.Values{"error": {e.code}, "error_description": {e.description()}}
	if e.suberror != "" {
		v.Set("error_subcode", e.suberror)
	}
	if state != "" {
		v.Set("state", state)
	}
	return v
}
