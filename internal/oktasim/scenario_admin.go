package oktasim

import "time"

// adminTakeover starts from a session of an administrator that was opened behind a proxy.
func adminTakeover(a *attack) {
	admin, colleague := a.administrator(), a.administrator()
	intruder := a.intruder(admin, hosts[2])
	a.signOn(intruder, &a.apps[0])
	a.wait(20 * time.Second)
	a.request(intruder, "/admin/sso/callback").event("user.session.access_admin_app", "SUCCESS", &a.apps[0], &admin.party)

	a.wait(60 * time.Second)
	a.request(intruder, "/api/internal/tokens").event("system.api_token.create", "SUCCESS", a.token("backup")).
		data("networkConnection", "ANYWHERE")

	a.wait(60 * time.Second)
	hidden := &party{
		ID: a.id("00u"), Type: "User", AlternateID: ptr("it-support@acme.example"), DisplayName: ptr("IT Support"),
	}
	s := a.request(intruder, "/api/v1/users?activate=true")
	s.event("user.lifecycle.create", "SUCCESS", hidden)
	s.event("user.lifecycle.activate", "SUCCESS", hidden)
	a.wait(30 * time.Second)
	a.grant(intruder, hidden, "Super administrator")

	a.wait(60 * time.Second)
	policy := &a.policies[2]
	rule := s.rule()
	rule.ChangeDetails = &change{
		From: map[string]any{"factorMode": "2FA", "reauthenticateIn": "PT0S"},
		To:   map[string]any{"factorMode": "1FA", "reauthenticateIn": "PT12H"},
	}
	a.request(intruder, "/api/v1/policies/"+policy.ID+"/rules/"+rule.ID).event("policy.rule.update", "SUCCESS", policy, rule)
	a.wait(20 * time.Second)
	a.request(intruder, "/api/v1/policies/"+policy.ID).event("policy.lifecycle.update", "SUCCESS", policy)
	a.wait(20 * time.Second)
	a.request(intruder, "/api/v1/zones/"+a.zones[0].ID+"/lifecycle/deactivate").event("zone.deactivate", "SUCCESS", &a.zones[0])

	a.wait(60 * time.Second)
	a.resetFactors(intruder, colleague)

	a.wait(60 * time.Second)
	idp := &party{ID: a.id("0oa"), Type: "IdP", AlternateID: ptr("unknown"), DisplayName: ptr("Corporate SAML")}
	s = a.request(intruder, "/api/v1/idps")
	s.event("system.idp.lifecycle.create", "SUCCESS", idp)
	s.event("system.idp.lifecycle.activate", "SUCCESS", idp)
	a.wait(60 * time.Second)
	through := a.intruder(colleague, hosts[2])
	e := a.request(through, "/sso/saml2/"+idp.ID).event("user.authentication.auth_via_inbound_SAML", "SUCCESS", &colleague.party)
	e.AuthenticationContext.Provider = ptr("FEDERATION")
	e.AuthenticationContext.Issuer = map[string]string{"id": idp.ID, "type": "IDENTITY_PROVIDER"}
}

func (a *attack) token(name string) *party {
	return &party{ID: a.id("00T"), Type: "Token", AlternateID: ptr("unknown"), DisplayName: &name}
}

func (a *attack) grant(by *user, to *party, role string) {
	a.request(by, "/api/v1/users/"+to.ID+"/roles").event("user.account.privilege.grant", "SUCCESS", to).
		data("privilegeGranted", role, "privilegeLevel", "ORG")
}

func (a *attack) resetPassword(by *user, of *user) {
	a.request(by, "/api/v1/users/"+of.ID+"/lifecycle/reset_password").event("user.account.reset_password", "SUCCESS", &of.party)
}

func (a *attack) resetFactors(by *user, of *user) {
	s := a.request(by, "/api/v1/users/"+of.ID+"/lifecycle/reset_factors")
	for _, factor := range []string{"OKTA_VERIFY_PUSH", "FIDO2_WEBAUTHN"} {
		s.event("user.mfa.factor.deactivate", "SUCCESS", &of.party).because("User reset "+factor+" factor").data("factor", factor)
	}
	s.event("user.mfa.factor.reset_all", "SUCCESS", &of.party)
}

// helpDesk is honest work of the help desk for somebody who is not who they say.
func helpDesk(a *attack) {
	operator, victim := a.administrator(), a.employee()
	a.resetPassword(operator, victim)
	a.wait(60 * time.Second)
	a.resetFactors(operator, victim)
	a.wait(3 * time.Minute)

	caller := a.intruder(victim, hosts[1])
	a.request(caller, "/idp/idx/recover").event("user.account.update_password", "SUCCESS", &victim.party)
	a.wait(10 * time.Second)
	a.signOn(caller, &a.apps[1])
	a.wait(30 * time.Second)
	a.enroll(caller)
	a.wait(10 * time.Second)
	phone := &party{ID: a.id("guo"), Type: "Device", DisplayName: ptr("iPhone 13")}
	a.request(caller, "/idp/authenticators").event("device.enrollment.create", "SUCCESS", phone, &victim.party)
	for _, app := range a.apps[6:12] {
		a.wait(30 * time.Second)
		a.open(caller, &app)
	}
}

// logStreamTampering blinds whoever reads the log elsewhere: the log stream, the event hook, and the token of a collector.
func logStreamTampering(a *attack) {
	admin := a.administrator()
	intruder := a.intruder(admin, hosts[0])
	a.signOn(intruder, &a.apps[0])
	a.wait(10 * time.Second)
	a.request(intruder, "/admin/sso/callback").event("user.session.access_admin_app", "SUCCESS", &a.apps[0], &admin.party)

	stream := &party{ID: a.id("0oa"), Type: "LogStream", AlternateID: ptr("unknown"), DisplayName: ptr("SIEM log stream")}
	for _, step := range []string{"update", "deactivate", "delete"} {
		a.wait(40 * time.Second)
		a.request(intruder, "/api/v1/logStreams/"+stream.ID).event("system.log_stream.lifecycle."+step, "SUCCESS", stream)
	}
	a.wait(40 * time.Second)
	hook := &party{ID: a.id("who"), Type: "EventHook", AlternateID: ptr("unknown"), DisplayName: ptr("SIEM hook")}
	a.request(intruder, "/api/v1/eventHooks/"+hook.ID+"/lifecycle/deactivate").event("event_hook.deactivated", "SUCCESS", hook)
	a.wait(40 * time.Second)
	a.request(intruder, "/api/internal/tokens").event("system.api_token.revoke", "SUCCESS", a.token("log collector"))
	a.wait(60 * time.Second)
	a.grant(intruder, &admin.party, "Super administrator")
}

// supportImpersonation has an administrator grant access to Okta's support, as support asks for, and a support account abuse it.
func supportImpersonation(a *attack) {
	admin, target := a.administrator(), a.administrator()
	a.request(admin, "/api/internal/support/impersonation").event("user.session.impersonation.grant", "SUCCESS", &admin.party)
	a.wait(60 * time.Second)

	engineer := *admin
	engineer.party = party{
		ID: a.id("00u"), Type: "User", AlternateID: ptr("support.engineer@okta.example"), DisplayName: ptr("Support Engineer"),
	}
	support := a.intruder(&engineer, hosts[0])
	a.request(support, "/api/internal/support/impersonate").event("user.session.impersonation.initiate", "SUCCESS", &admin.party)
	a.wait(30 * time.Second)
	as := *support // the administrator's rights, the engineer's session
	as.party = admin.party
	a.request(&as, "/admin/sso/callback").event("user.session.access_admin_app", "SUCCESS", &a.apps[0], &admin.party).
		data("originalPrincipal", map[string]any{
			"id": engineer.ID, "type": "User", "alternateId": *engineer.AlternateID, "displayName": *engineer.DisplayName,
		})

	for _, step := range []string{
		"user.account.reset_password", "user.mfa.attempt_bypass", "user.mfa.factor.update", "system.mfa.factor.deactivate",
	} {
		a.wait(45 * time.Second)
		s := a.request(support, "")
		s.user, s.actor, s.transaction = nil, &a.system, "unknown" // what support does has neither a browser nor a transaction
		s.event(step, "SUCCESS", &target.party)
	}
	a.wait(60 * time.Second)
	a.signOn(a.intruder(target, hosts[0]), &a.apps[0])
	a.wait(60 * time.Second)
	a.request(support, "/api/internal/support/impersonate").event("user.session.impersonation.end", "SUCCESS", &admin.party)
}

// scenarioCatalog has the event types that only attacks bring about.
var scenarioCatalog = map[string]entry{
	"application.user_membership.show_password": {
		"Show application password for user", "app.generic.show.password", "",
	},
	"event_hook.deactivated":                    {"Deactivate event hook", "", ""},
	"security.session.detect_client_roaming":    {"Session roaming detected", "", "WARN"},
	"system.idp.lifecycle.activate":             {"Activate Identity Provider", "", ""},
	"system.log_stream.lifecycle.deactivate":    {"Deactivate log stream", "", ""},
	"system.log_stream.lifecycle.delete":        {"Delete log stream", "", ""},
	"system.log_stream.lifecycle.update":        {"Update log stream", "", ""},
	"system.mfa.factor.deactivate":              {"Deactivate factor or authenticator enrollment method for org", "", ""},
	"user.authentication.auth_via_inbound_SAML": {"Authenticate user via inbound SAML", "core.user_auth.idp.saml.login_success", ""},
	"user.mfa.attempt_bypass":                   {"Attempt bypass of factor", "core.user.factor.attempt_bypass", ""},
	"user.mfa.factor.update":                    {"Update factor or authenticator enrollment for user", "core.user.factor.update", ""},
	"user.risk.detect":                          {"User risk detected", "", "WARN"},
	"user.session.context.change":               {"User session context changed", "", "WARN"},
	"user.session.impersonation.end":            {"End user impersonation", "core.user.impersonation.session.ended", ""},
	"user.session.impersonation.initiate":       {"Initiate user impersonation", "core.user.impersonation.session.initiated", ""},
}
