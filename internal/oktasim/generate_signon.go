package oktasim

import "strings"

// signOnPlays are what fills most of a log: people who sign on and open
// applications.
var signOnPlays = []play{
	{300, signOn},
	{420, openApp},
	{60, signOff},
	{60, wrongPassword},
	{3, lockOut},
	{25, pushFactor},
	{10, denied},
	{12, throughDirectory},
}

// authenticator is the enrollment that a sign-on went through.
func (s *scene) authenticator() *party {
	name := pick(s.world, []string{"Okta Verify", "Password", "Security Key or Biometric", "Google Authenticator"})
	return &party{ID: "pfd" + s.letters(17, base62), Type: "AuthenticatorEnrollment", AlternateID: ptr("unknown"), DisplayName: &name,
		DetailEntry: map[string]any{"methodTypeUsed": "Use " + name, "methodUsedVerifiedProperties": "[USER_PRESENCE]"}}
}

func (s *scene) app() *party { return &s.apps[s.rng.IntN(len(s.apps))] }

// behaviors is how Okta renders a user's habits in debugData. In a quiet org only an address is ever new.
func (s *scene) behaviors() string {
	var b strings.Builder
	for i, name := range []string{"New Geo-Location", "New Device", "New IP", "New State", "New Country", "Velocity", "New City"} {
		is := s.rng.IntN(20)/19 == 1 && (!s.quiet || name == "New IP")
		b.WriteString([]string{"{", ", "}[min(i, 1)] + name + "=" + map[bool]string{true: "POSITIVE", false: "NEGATIVE"}[is])
	}
	return b.String() + "}"
}

// assess gives an event the newer risk objects, which only some orgs see.
func (s *scene) assess(e *logEvent) {
	level := []string{"LOW", "LOW", "LOW", "MEDIUM", "HIGH"}[s.rng.IntN(5)]
	if s.quiet && level == "HIGH" {
		level = "LOW"
	}
	details := map[string]any{"asNumber": s.place.asn, "asOrg": s.place.asOrg, "ipServiceCategories": []string{"RESIDENTIAL"}}
	e.SecurityContext.Risk = map[string]any{
		"level": level, "reasons": []string{"Anomalous Device"}, "detectionName": nil, "issuer": "Okta", "previousLevel": "LOW",
	}
	e.SecurityContext.IPDetails = details
	e.SecurityContext.UserBehaviors = []behavior{{"New Device", s.id("bhv"), "NEGATIVE"}, {"New City", s.id("bhv"), "NEGATIVE"}}
	e.SecurityContext.BotProtection = map[string]any{"level": "LOW"}
	e.Request.IPChain[0].IPDetails = details
	e.data("risk", "{level="+level+"}")
}

func (s *scene) evaluate(app *party, result string) *logEvent {
	e := s.event("policy.evaluate_sign_on", result, app, &s.policies[s.rng.IntN(len(s.policies))])
	behaviors := s.behaviors()
	if s.quiet && app == &s.apps[0] {
		behaviors = strings.ReplaceAll(behaviors, "POSITIVE", "NEGATIVE") // nobody administers from a new place
	}
	e.data("behaviors", behaviors, "risk", "{level=LOW}", "threatSuspected", "false",
		"logOnlySecurityData", `{"risk":{"level":"LOW"},"behaviors":{"New Device":"NEGATIVE"}}`)
	if result == "ALLOW" {
		return e.because("Sign-on policy evaluation resulted in ALLOW")
	}
	return e.because("Sign-on policy evaluation resulted in " + result)
}

func signOn(s *scene) {
	u := s.someone()
	u.session = s.sessionID()
	s.as(u).uri = "/idp/idx/identify"
	app := s.app()
	if s.chance(0.6) {
		s.evaluate(app, "ALLOW")
	}
	if s.chance(0.7) {
		s.event("user.authentication.auth_via_mfa", "SUCCESS", s.authenticator()).
			data("factor", pick(s.world, []string{"OKTA_VERIFY_PUSH", "SIGNED_NONCE", "FIDO2_WEBAUTHN", "GOOGLE_AUTH"}), "factorIntent",
				"AUTHENTICATION", "threatSuspected", "false")
	}
	e := s.startSession(app)
	if s.chance(0.12) {
		s.assess(e)
	}
	if s.chance(0.3) {
		s.event("user.authentication.verify", "SUCCESS", app).data("authMethodFirstType", "Password", "authMethodFirstVerificationTime",
			formatTime(s.at))
	}
}

// startSession is the end of every sign-on that succeeds.
func (s *scene) startSession(app *party) *logEvent {
	e := s.event("user.session.start", "SUCCESS", s.authenticator(), app)
	e.AuthenticationContext.CredentialType = ptr("PASSWORD")
	e.AuthenticationContext.CredentialProvider = ptr("OKTA_CREDENTIAL_PROVIDER")
	e.AuthenticationContext.Provider = ptr("OKTA_AUTHENTICATION_PROVIDER")
	return e.data("origin", "https://acme.okta.com", "authnRequestId", s.requestID(), "threatSuspected", "false")
}

func openApp(s *scene) {
	s.as(s.someone())
	app := s.app()
	s.uri = "/app/" + asciiLogin(*app.DisplayName) + "/" + app.ID + "/sso/saml"
	if s.chance(0.1) {
		s.evaluate(app, "ALLOW")
	}
	if s.user.admin && s.chance(0.2) {
		s.uri = "/admin/dashboard"
		s.event("user.session.access_admin_app", "SUCCESS", &s.apps[0], &s.user.party)
		return
	}
	s.sso(app)
}

func (s *scene) sso(app *party) {
	instance := &party{ID: "0ua" + s.letters(17, base62), Type: "AppUser", AlternateID: s.user.AlternateID, DisplayName: s.user.DisplayName}
	s.event("user.authentication.sso", "SUCCESS", app, instance).data("initiationType", "IDP_INITIATED", "signOnMode", "SAML 2.0")
}

func signOff(s *scene) {
	s.as(s.someone()).uri = "/login/signout"
	s.event("user.session.end", "SUCCESS")
}

func wrongPassword(s *scene) {
	s.as(s.someone()).uri = "/idp/idx/challenge/answer"
	s.failLogin(s.user.AlternateID, pick(s.world, []string{"INVALID_CREDENTIALS", "VERIFICATION_ERROR"}))
}

// failLogin logs a failed user.session.start. What was typed as user name is
// the actor's alternateId, be it a password.
func (s *scene) failLogin(typed *string, reason string) {
	e := s.event("user.session.start", "FAILURE").because(reason).saying("WARN", "User login to Okta", "core.user_auth.login_failed")
	e.Target = nil // absent, not null
	e.data("loginResult", reason, "threatSuspected", "false")
	if s.chance(0.05) && !s.quiet {
		typed = ptr("Tr0ub4dor&3 <oops>")
		e.Actor = &party{ID: "unknown", Type: "User", AlternateID: typed, DisplayName: ptr("unknown")}
	}
}

func lockOut(s *scene) {
	s.as(s.someone()).uri = "/api/v1/authn"
	for range 3 {
		s.failLogin(s.user.AlternateID, "INVALID_CREDENTIALS")
	}
	s.event("user.account.lock", "FAILURE", &s.user.party).because("LOCKED_OUT")
}

func pushFactor(s *scene) {
	s.as(s.someone()).uri = "/api/v1/authn/factors/verify"
	s.event("system.push.send_factor_verify_push", "SUCCESS", &s.user.party).data("factor", "OKTA_VERIFY_PUSH")
	if s.chance(0.1) {
		s.event("user.mfa.okta_verify.deny_push", "FAILURE", &s.user.party).because("USER_REJECTED_PUSH")
		return
	}
	s.event("user.authentication.auth_via_mfa", "SUCCESS", &s.user.party).data("factor", "OKTA_VERIFY_PUSH")
}

func declinedPhishing(s *scene) {
	s.as(s.someone()).uri = "/idp/idx/authenticators/poll"
	s.event("user.authentication.auth_via_mfa", "FAILURE", s.authenticator()).
		because("FastPass declined phishing attempt").saying("WARN", "Authentication of user via MFA", "core.user.factor.attempt_fail")
}

func denied(s *scene) {
	s.as(s.someone())
	app := s.app()
	s.uri = "/app/" + app.ID
	if s.chance(0.5) {
		s.evaluate(app, pick(s.world, []string{"DENY", "CHALLENGE"}))
		return
	}
	s.event("app.generic.unauth_app_access_attempt", "FAILURE", app, &s.user.party).because("User is not assigned to this app")
}

// anonymised is a sign-on that should wake somebody up.
func anonymised(s *scene) {
	s.as(s.someone())
	s.place, s.ip = s.proxy, s.address(s.proxy)
	s.uri = "/api/v1/authn"
	if s.user.admin {
		s.uri = "/admin/reports/password-health/async_csv_download_schedule"
	}
	s.evaluate(&s.apps[0], "CHALLENGE").
		data("behaviors", everythingNew, "risk", "{level=HIGH}")
	e := s.event("user.session.start", "SUCCESS", s.authenticator(), &s.apps[0])
	s.assess(e)
	if s.chance(0.5) {
		s.event("security.threat.detected", "FAILURE", &s.user.party).because("Password Spray").data("threatDetections",
			`{"Password Spray":"HIGH"}`, "threatSuspected", "true")
	}
}

func throughDirectory(s *scene) {
	s.as(s.someone()).uri = "/api/v1/authn"
	e := s.event("user.authentication.auth_via_AD_agent", "SUCCESS", &s.user.party)
	e.AuthenticationContext.Provider = ptr("ACTIVE_DIRECTORY")
	e.AuthenticationContext.Issuer = map[string]string{"id": s.apps[7].ID, "type": "APPLICATION"}
}
