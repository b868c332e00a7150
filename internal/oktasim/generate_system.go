package oktasim

import "fmt"

// systemPlays are what services, agents and Okta itself do.
var systemPlays = []play{
	{40, tokenGrant},
	{10, directoryImport},
	{40, groupRule},
	{60, emailDelivery},
	{2, agentConnects},
	{4, rateLimits},
	{2, operationLimit},
	{1, concurrencyLimit},
	{3, blockedRequest},
	{2, hookDelivery},
}

func tokenGrant(s *scene) {
	s.as(s.someone())
	service := &s.services[s.rng.IntN(len(s.services))]
	s.user, s.actor, s.uri = nil, service, tokenPath
	scope := &party{
		ID: "scp" + s.letters(17, base62), Type: "access_token", DisplayName: ptr("Access Token"),
		DetailEntry: map[string]any{"expires": s.at.Unix() + 3600},
	}
	e := s.event("app.oauth2.token.grant.access_token", "SUCCESS", scope)
	e.Client.ID = &service.ID
	e.Client.UserAgent = &userAgent{"okta-terraform/4.9.1 go-resty/2.16.2", "Unknown", "UNKNOWN"}
	e.Client.Device = ptr("Unknown")
	e.data("grantType", "client_credentials", "clientAuthType", "private_key_jwt", "requestedScopes", "okta.users.read okta.logs.read",
		"grantedScopes", "okta.users.read")
}

func directoryImport(s *scene) {
	s.job(&s.system)
	app := &s.apps[8]
	s.event("system.import.start", "SUCCESS", app)
	for range 1 + s.rng.IntN(3) {
		s.event("system.import.user.update", "SUCCESS", &s.someone().party, app)
	}
	s.event("system.import.complete", "SUCCESS", app).data("usersUpdated", fmt.Sprint(len(s.events)-1))
}

func groupRule(s *scene) {
	s.job(&s.system)
	s.event("group.user_membership.add", "SUCCESS", &s.someone().party, s.group()).data("triggeredByGroupRuleId", "0pr"+s.letters(17, base62))
}

func emailDelivery(s *scene) {
	s.job(&s.system)
	e := s.event("system.email.delivery", pick(s.world, []string{"SUCCESS", "SUCCESS", "DEFERRED"}), &s.someone().party)
	if e.Outcome.Result == "DEFERRED" {
		e.Severity = "WARN"
		e.because("mailbox temporarily unavailable")
	}
}

func agentConnects(s *scene) {
	s.job(&s.system)
	result, severity := "SUCCESS", "INFO"
	if s.chance(0.2) {
		result, severity = "FAILURE", "ERROR"
	}
	e := s.event("system.agent.ad.connect", result, &party{ID: s.id("a53"), Type: "AGENT", DisplayName: ptr("ADAGENT01")})
	e.Severity = severity
	e.Client = nil // nobody was there at all
	e.SecurityContext = nil
	e.AuthenticationContext = nil
}

func rateLimits(s *scene) {
	s.as(s.administrator()).uri = logsPath
	s.actor = &s.system
	kind, result := "system.org.rate_limit.warning", ""
	if s.chance(0.3) {
		kind, result = "system.org.rate_limit.violation", "RATE_LIMIT"
	}
	e := s.event(kind, result, &party{ID: logsPath, Type: "URL Pattern", DisplayName: ptr(logsPath)})
	e.data("threshold", "72", "timeSpan", "1", "timeUnit", "MINUTES", "rateLimitSecondsToReset", fmt.Sprint(s.rng.IntN(60)))
}

func operationLimit(s *scene) {
	s.as(s.someone()).uri = "/api/v1/authn/factors/verify"
	s.place.city = ""
	e := s.event("system.operation.rate_limit.violation", "DENY",
		&party{ID: "sms", Type: "Factor Type", DisplayName: ptr("SMS")},
		&party{ID: s.uri, Type: "URL Pattern"}).because("Too many SMS sent to one user")
	e.Request.IPChain[0].Geo = nil
	e.data("operationRateLimitType", "sms_factor", "operationRateLimitSubtype", "per_user", "operationRateLimitScopeType", "User",
		"operationRateLimitThreshold", "5", "operationRateLimitTimeSpan", "5", "operationRateLimitTimeUnit", "MINUTES",
		"operationRateLimitSecondsToReset", "287")
}

func concurrencyLimit(s *scene) {
	s.as(s.administrator()).uri = "/api/v1/users"
	e := s.event("core.concurrency.org.limit.violation", "")
	e.Client.Geo = nil
	e.Request.IPChain = append(e.Request.IPChain[:1], hop{IP: "192.0.2.9", Version: "V4"})
}

func blockedRequest(s *scene) {
	s.place, s.ip = s.proxy, s.address(s.proxy)
	s.actor = &party{ID: s.ip, Type: "IP address", AlternateID: ptr("unknown")}
	s.uri = "/api/v1/authn"
	s.event("security.request.blocked", "DENY", &s.zones[0]).data("threatSuspected", "true")
}

func hookDelivery(s *scene) {
	s.job(&s.system)
	e := s.event("event_hook.delivery", pick(s.world, []string{"SUCCESS", "FAILURE"}),
		&party{ID: s.id("who"), Type: "EventHook", DisplayName: ptr("SIEM hook")})
	if e.Outcome.Result == "FAILURE" {
		e.because("Timeout")
		e.Severity = "ERROR"
	}
}
