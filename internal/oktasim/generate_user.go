package oktasim

// userPlays are the joiners, movers and leavers, and what people do to their
// own accounts.
var userPlays = []play{
	{6, joiner},
	{5, leaver},
	{40, mover},
	{12, ownAccount},
	{8, factors},
	{5, deviceEnrolled},
}

func (s *scene) group() *party { return &s.groups[s.rng.IntN(len(s.groups))] }

// provisioning makes the scene the work of an administrator or, more often, of
// a service with an API token.
func (s *scene) provisioning() *scene {
	if s.chance(0.3) {
		return s.as(s.administrator())
	}
	s.as(s.administrator())
	s.user = nil
	s.detail = map[string]any{"requestApiTokenId": "00T" + s.letters(17, base62)}
	return s
}

func joiner(s *scene) {
	s.provisioning().uri = "/api/v1/users"
	u := s.someone()
	joined := u.party
	if s.chance(0.02) && !s.quiet { // the mark of the 2023 breach, for the rule that looks for it
		joined.DisplayName, joined.AlternateID = ptr("svc_network_backup"), ptr("svc_network_backup@acme.example")
	}
	s.event("user.lifecycle.create", "SUCCESS", &joined)
	s.event("user.lifecycle.activate", "SUCCESS", &joined)
	s.event("group.user_membership.add", "SUCCESS", &joined, &s.groups[0]).data("requestMethod", "POST")
	s.event("application.user_membership.add", "SUCCESS", s.app(), &joined)
}

func leaver(s *scene) {
	s.provisioning()
	u := s.someone()
	s.uri = "/api/v1/users/" + u.ID + "/lifecycle/deactivate"
	s.event("application.user_membership.remove", "SUCCESS", s.app(), &u.party)
	if s.chance(0.3) {
		s.event("user.lifecycle.suspend", "SUCCESS", &u.party)
		return
	}
	e := s.event("user.lifecycle.deactivate", "SUCCESS", &u.party)
	e.data("threatSuspected", "false")
	e.Device = nil // absent
}

func mover(s *scene) {
	s.provisioning()
	u, g := s.someone(), s.group()
	s.uri = "/api/v1/groups/" + g.ID + "/users/" + u.ID
	kind := pick(s.world, []string{"group.user_membership.add", "group.user_membership.add", "group.user_membership.remove"})
	s.event(kind, "SUCCESS", &u.party, g).data("requestMethod", "PUT")
	if s.chance(0.3) {
		s.event("user.account.update_profile", "SUCCESS", &u.party).data("changedAttributes", "department,title,manager")
	}
}

func ownAccount(s *scene) {
	s.as(s.someone()).uri = "/api/internal/account/settings"
	switch s.rng.IntN(4) {
	case 0:
		s.event("user.account.reset_password", "SUCCESS", &s.user.party)
	case 1:
		s.event("user.account.unlock", "SUCCESS", &s.user.party)
	default:
		s.event("user.account.update_password", "SUCCESS", &s.user.party)
	}
}

func factors(s *scene) {
	s.as(s.someone()).uri = "/idp/idx/credential/enroll"
	if s.chance(0.7) {
		s.event("user.mfa.factor.activate", "SUCCESS", &s.user.party, s.authenticator()).because("User set up OKTA_VERIFY factor").data("factor",
			"OKTA_VERIFY_PUSH")
		return
	}
	target := s.user
	s.as(s.administrator()).uri = "/api/v1/users/" + target.ID + "/lifecycle/reset_factors"
	kind := pick(s.world, []string{"user.mfa.factor.deactivate", "user.mfa.factor.reset_all"})
	s.event(kind, "SUCCESS", &target.party).because("User reset OKTA_VERIFY factor")
}

func reportSuspicion(s *scene) {
	s.as(s.someone()).uri = "/api/internal/report-suspicious-activity"
	s.event("user.account.report_suspicious_activity_by_enduser", "SUCCESS", &s.user.party).
		data("suspiciousActivityEventType", "core.user.email.message_sent", "suspiciousActivityEventId", s.uuid(s.at),
			"suspiciousActivityBrowser", "CHROME")
	e := s.event("user.risk.change", "SUCCESS", &s.user.party)
	e.SecurityContext.Risk = map[string]any{
		"level": "HIGH", "reasons": []string{"User reported suspicious activity"}, "detectionName": "Suspicious Activity", "issuer": "Okta",
		"previousLevel": "LOW",
	}
}

func deviceEnrolled(s *scene) {
	s.as(s.someone()).uri = "/idp/authenticators"
	t := &party{ID: "guo" + s.letters(17, base62), Type: "Device", AlternateID: nil, DisplayName: ptr("Zoë’s phone")}
	s.event("device.enrollment.create", "SUCCESS", t, &s.user.party)
}
