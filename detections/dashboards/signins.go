package dashboards

// What a panel says when it is empty, where several say the same.
const (
	nothing       = "None. Needs the structured metadata eventType, which is in the default set."
	needsEvents   = "No events. Check the job and the org, and that the API token may read the System Log (okta.logs.read)."
	needsMetadata = "None. Needs the structured metadata eventType and outcome, which are in the default set."
	needsTargets  = "None. Needs the structured metadata event_target_*, which are in the default set."
	needsIdentity = "None. Needs client.ipAddress and actor.alternateId, which redaction may have taken out."
)

var (
	user    = column{"user", "User"}
	ip      = column{"ip", "IP"}
	country = column{"country", "Country"}
	outcome = column{"outcome", "Outcome"}
	reason  = column{"reason", "Reason"}
	target  = column{"event_target_displayName", "Target"}
	typed   = column{"eventType", "Event type"}
	asOrg   = column{"as_org", "Network"}
	session = column{"session", "Session"}
	token   = column{"token", "Token"}
)

func signIns(f LineFormat) board {
	start := f.of("user.session.start")
	failed, succeeded := start.that(`outcome="FAILURE"`), start.that(`outcome="SUCCESS"`)
	mfa := f.of("user.authentication.auth_via_mfa")
	sso := f.of("user.authentication.sso")
	return board{
		uid: "okta-sign-ins", title: "Okta sign-ins", from: "now-24h",
		about: "Who signs on, from where, and what fails.",
		sections: []section{
			{"Now", []panel{
				number("Events", "All events of the System Log.", needsEvents, f.of().total(), "blue"),
				number("Sign-ins", "Sessions that began: user.session.start with outcome SUCCESS.", needsMetadata, succeeded.total(), "green"),
				failedShare(failed, start),
				number("Users", "Different users who signed on.", needsIdentity, succeeded.with("user").distinct("user"), "blue"),
				number("Failed factors", "Second factors that failed: user.authentication.auth_via_mfa with outcome FAILURE.", needsMetadata,
					mfa.that(`outcome="FAILURE"`).total(), "orange"),
				number("Lockouts", "Accounts locked after too many attempts: user.account.lock.", "None. Needs a lockout in the password policy.",
					f.of("user.account.lock", "user.account.lock.limit").total(), "orange"),
			}},
			{"Success and failure", []panel{
				bars("Sign-ins by outcome", "user.session.start by outcome.", needsMetadata, "{{outcome}}", start.over("outcome")),
				bars("Failures by reason", "Failed sign-ins by outcome.reason.", needsMetadata, "{{reason}}", failed.with("reason").over("reason")),
				rows("Users with most failures", "What was typed as user name: it need not be a user, and may be a password.", needsIdentity,
					failed.with("user", "reason").top(20, "user", "reason"), user, reason),
				rows("Addresses with most failures", "Many users behind one address look like a password spray.", needsIdentity,
					failed.with("ip", "country", "as_org").top(20, "ip", "country", "as_org"), ip, country, asOrg),
				counted("Users", "Failures of many users from one address", "How many different users failed from each address.", needsIdentity,
					failed.with("user", "ip").different(20, "user", "ip"), ip),
				counted("Addresses", "Failures of one user from many addresses", "From how many different addresses each user failed.", needsIdentity,
					failed.with("user", "ip").different(20, "ip", "user"), user),
			}},
			{"Places and devices", []panel{
				places("Where sign-ins come from",
					"How many different users signed on, or failed to, from each place: Okta's guess by address. The 400 places with most.",
					"None. Needs client.geographicalContext.geolocation.",
					start.having("lat").with("lon", "city", "country", "user").different(400, "user", "lat", "lon", "city", "country")),
				columns("Countries", "Sign-ins by country.", "None. Needs client.geographicalContext.country.", "country",
					start.having("country").frequent(15, "country")).sized(12, 12),
				share("Operating systems", "Sign-ins by operating system.", "None. Needs client.userAgent.", "{{os}}",
					start.having("os").over("os")),
				share("Browsers", "Sign-ins by browser.", "None. Needs client.userAgent.", "{{browser}}",
					start.having("browser").over("browser")),
				recent("Through proxies", "The last sign-ins through what Okta takes for an anonymizing proxy.",
					"None. Needs securityContext.isProxy.",
					start.having("proxy").where(`proxy="true"`).with("user", "ip", "country").latest(50, "user", "ip", "country", "outcome"),
					user, ip, country, outcome),
			}},
			{"Factors and applications", []panel{
				bars("Factors by outcome", "user.authentication.auth_via_mfa by factor and outcome.", "None. Needs debugContext.debugData.factor.",
					"{{factor}} {{outcome}}", mfa.with("factor").over("factor", "outcome")),
				rows("Applications", "Single sign-on by application.", needsTargets,
					sso.frequent(20, "event_target_displayName"), column{"event_target_displayName", "Application"}),
				rows("Refused access to applications", "Users who tried applications that they are not assigned to.", needsTargets,
					f.of("app.generic.unauth_app_access_attempt").with("user").top(20, "user", "event_target_displayName"), user,
					column{"event_target_displayName", "Application"}).sized(24, 8),
			}},
			{"Events", []panel{
				raw("Failed sign-ins", "The events themselves, newest first.", needsMetadata, failed),
			}},
		},
	}
}

func failedShare(failed, all query) panel {
	p := number("Failed", "Share of sign-ins that failed.", "No sign-ins, or none that failed.", failed.total()+" / "+all.total(), "orange")
	p.unit = "percentunit"
	return p
}
