package oktasim

// adminPlays are an administrator's everyday work.
var adminPlays = []play{
	{8, applicationChange},
}

// alarmingPlays are what should wake somebody up, or what detection rules look for one by one. With adminPlays they are some two
// in a hundred events here, more than in most orgs. They do not take place in a quiet org.
var alarmingPlays = []play{
	{3, declinedPhishing},
	{4, anonymised},
	{2, reportSuspicion},
	{3, privileges},
	{2, apiTokens},
	{5, policyChange},
	{3, zoneChange},
	{1, identityProvider},
	{1, impersonation},
}

func privileges(s *scene) {
	s.as(s.administrator()).uri = "/api/v1/users/roles"
	u := s.someone()
	grant := []any{
		"privilegeGranted", pick(s.world, []string{"Super administrator", "Read-only administrator", "Help desk administrator"}),
		"privilegeLevel", "ORG",
	}
	switch s.rng.IntN(3) {
	case 0:
		s.event("group.privilege.grant", "SUCCESS", s.group()).data(grant...)
	case 1:
		s.event("iam.resourceset.bindings.add", "SUCCESS", &u.party,
			&party{ID: "iam" + s.letters(17, base62), Type: "ResourceSet", DisplayName: ptr("All apps")})
	default:
		s.event("user.account.privilege.grant", "SUCCESS", &u.party).data(grant...)
	}
}

func apiTokens(s *scene) {
	s.as(s.administrator()).uri = "/api/internal/tokens"
	token := &party{ID: "00T" + s.letters(17, base62), Type: "Token", AlternateID: ptr("unknown"), DisplayName: ptr("ci pipeline")}
	s.event(pick(s.world, []string{"system.api_token.create", "system.api_token.revoke"}), "SUCCESS", token)
}

func applicationChange(s *scene) {
	s.as(s.administrator())
	app := *s.app()
	s.uri = "/api/v1/apps/" + app.ID
	kinds := []string{
		"application.lifecycle.create", "application.lifecycle.activate", "application.lifecycle.update", "application.lifecycle.update",
		"application.lifecycle.delete", "application.policy.sign_on.update", "application.policy.sign_on.rule.delete",
	}
	if s.quiet {
		kinds = kinds[:4]
	}
	switch kind := pick(s.world, kinds); kind {
	case "application.lifecycle.update":
		app.ChangeDetails = &change{
			From: map[string]any{"label": *app.DisplayName, "signOn": map[string]any{"mode": "SAML_2_0", "slo": false}},
			To: map[string]any{
				"label": *app.DisplayName, "signOn": map[string]any{"mode": "OPENID_CONNECT", "slo": true},
				"redirectUris": []string{"https://app.acme.example/callback"},
			},
		}
		s.event(kind, "SUCCESS", &app)
	case "application.policy.sign_on.rule.delete":
		s.event(kind, "SUCCESS", &app, s.rule())
	default:
		s.event(kind, "SUCCESS", &app)
	}
}

func (s *scene) rule() *party {
	return &party{
		ID: "0pr" + s.letters(17, base62), Type: "PolicyRule", AlternateID: ptr("00p" + s.letters(17, base62)),
		DisplayName: ptr("Catch-all Rule"),
	}
}

func policyChange(s *scene) {
	s.as(s.administrator())
	p := &s.policies[s.rng.IntN(len(s.policies))]
	s.uri = "/api/v1/policies/" + p.ID
	switch kind := pick(s.world, []string{"policy.lifecycle.update", "policy.lifecycle.delete", "policy.rule.update",
		"policy.rule.delete"}); kind {
	case "policy.rule.update", "policy.rule.delete":
		s.event(kind, "SUCCESS", p, s.rule())
	default:
		s.event(kind, "SUCCESS", p)
	}
}

func zoneChange(s *scene) {
	s.as(s.administrator())
	z := &s.zones[s.rng.IntN(len(s.zones))]
	s.uri = "/api/v1/zones/" + z.ID
	s.event(pick(s.world, []string{"zone.update", "zone.deactivate", "zone.delete"}), "SUCCESS", z)
}

func identityProvider(s *scene) {
	s.as(s.administrator()).uri = "/api/v1/idps"
	s.event("system.idp.lifecycle.create", "SUCCESS",
		&party{ID: "0oa" + s.letters(17, base62), Type: "IdP", AlternateID: ptr("unknown"), DisplayName: ptr("Partner SAML")})
}

func impersonation(s *scene) {
	s.as(s.administrator()).uri = "/api/internal/support/impersonation"
	s.event("user.session.impersonation.grant", "SUCCESS", &s.user.party).
		data("originalPrincipal", map[string]any{"id": s.system.ID, "type": "SystemPrincipal", "alternateId": "system@okta.com",
			"displayName": "Okta System"})
}
