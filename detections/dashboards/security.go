package dashboards

// alarms are what is rare in most orgs and worth a look whenever it happens, most of it a rule in detections/rules, too.
func alarms(f LineFormat) []panel {
	return []panel{
		alarm("Roles granted", "Administrator roles given to users or groups.", nothing,
			f.of("user.account.privilege.grant", "group.privilege.grant", "iam.resourceset.bindings.add")),
		alarm("API tokens made", "A token outlives the session of whoever made it.", nothing, f.of("system.api_token.create")),
		alarm("Identity providers", "Made or changed: a new one can sign on as anybody.", nothing, f.of("system.idp.lifecycle.*")),
		alarm("Policies", "Policies and their rules changed, deactivated, or deleted.", nothing,
			f.of("policy.lifecycle.*", "policy.rule.*", "application.policy.sign_on.*")),
		alarm("Network zones", "Zones changed, deactivated, or deleted.", nothing, f.of("zone.*")),
		alarm("Log streams and hooks", "What carries the log to other places, turned off or changed.",
			"None. Needs log streaming or an event hook.", f.of("system.log_stream.lifecycle.*", "event_hook.deactivated", "event_hook.deleted")),
		alarm("Factors reset", "Second factors deactivated or reset by somebody.", nothing,
			f.of("user.mfa.factor.deactivate", "user.mfa.factor.reset_all", "user.mfa.factor.suspend")),
		number("Pushes denied", "Okta Verify pushes that users rejected. Several in ten minutes are push bombing.",
			"None. Needs Okta Verify with push.", denials(f).with("tx").distinct("user", "tx"), "green", "orange", "red"),
		alarm("Phishing declined", "FastPass refused to sign on at a page that is not Okta's.", "None. Needs FastPass (Identity Engine).",
			f.of("user.authentication.auth_via_mfa").that(`outcome="FAILURE"`).holding("FastPass declined phishing attempt").with("reason").
				where(`reason="FastPass declined phishing attempt"`)),
		alarm("Proxies", "Sessions begun through an anonymizing proxy.", "None. Needs securityContext.isProxy.",
			f.of("user.session.start").having("proxy").where(`proxy="true"`)),
		alarm("ThreatInsight", "Requests that ThreatInsight holds for an attack.", "None. Needs ThreatInsight in log or block mode.",
			f.of("security.threat.detected", "security.attack.start")),
		alarm("User risk", "Users whose risk Okta raised.", "None. Needs Identity Threat Protection.",
			f.of("user.risk.detect", "user.risk.change")),
		alarm("Sessions elsewhere", "Sessions that went on in another network or browser.",
			"None. Needs ASN binding or Identity Threat Protection.",
			f.of("security.session.detect_client_roaming", "user.session.context.change")),
		alarm("Suspicion reported", "Users who said that it was not them.", "None. Needs suspicious activity reporting.",
			f.of("user.account.report_suspicious_activity_by_enduser")),
		alarm("Impersonation", "Okta's support, or somebody with its access, in the org.", nothing, f.of("user.session.impersonation.*")),
		alarm("New at the Admin Console", "Sign-on to the Admin Console with a new device, address, or place.",
			"None. Needs behavior detection and the metadata event_target_*.",
			f.of("policy.evaluate_sign_on").that(`event_target_displayName="Okta Admin Console"`).holding("POSITIVE").with("behaviors").
				where("behaviors=~`.*POSITIVE.*`")),
		alarm("Passwords shown", "Shared passwords of applications that somebody looked at.", "None. Needs applications with shared passwords.",
			f.of("application.user_membership.show_password")),
		alarm("Factor bypassed", "Attempts to get around a second factor.", nothing, f.of("user.mfa.attempt_bypass")),
	}
}

// alarm is how many events there are, each of them one too many.
func alarm(title, about, empty string, q query) panel {
	return number(title, about, empty, q.total(), "green", "orange", "red")
}

// denials are pushes that were denied, in the words of classic orgs and of Identity Engine, as in detections/rules/push-bombing. One denial
// may be two events, of one transaction.
func denials(f LineFormat) query {
	return f.of("user.mfa.okta_verify.deny_push", "user.authentication.auth_via_mfa").
		holding("deny_push", "OV_RESPONSE_DENY", "INVALID_CREDENTIALS", "eject", "REJECT").with("user", "push", "factor", "reason").
		where("eventType=\"user.mfa.okta_verify.deny_push\" or push=\"OV_RESPONSE_DENY\" or " +
			"(factor=~`(?i).*push.*` and outcome=\"FAILURE\" and reason=~`(?i)invalid_credentials|.*reject.*`)")
}

func security(f LineFormat) board {
	changes := f.of("user.account.privilege.*", "group.privilege.*", "iam.*", "system.api_token.*", "system.idp.lifecycle.*",
		"policy.lifecycle.*", "policy.rule.*", "application.policy.sign_on.*", "zone.*",
		"system.log_stream.lifecycle.*", "event_hook.deactivated", "event_hook.deleted",
		"user.mfa.factor.deactivate", "user.mfa.factor.reset_all", "user.session.impersonation.*", "application.lifecycle.*")
	located := f.of("user.session.start").that(`outcome="SUCCESS"`).having("country")
	// As in detections/rules/session-on-three-networks: the telephone that answers a push is in a network of its own.
	sessions := f.of("user.session.*", "user.authentication.*", "policy.evaluate_sign_on").having("session", "asn").
		where(`session!="unknown"`).with("user", "factor").where("eventType!=\"user.authentication.auth_via_mfa\" or factor=~`(?i).*password.*`")
	risks := f.of("security.threat.detected", "security.attack.start", "security.session.detect_client_roaming", "user.session.context.change",
		"user.risk.detect", "user.risk.change", "user.account.report_suspicious_activity_by_enduser", "security.request.blocked")
	return board{
		uid: "okta-security", title: "Okta security", from: "now-24h",
		about: "What an attacker does in an Okta org, and what an administrator should be able to explain.",
		sections: []section{
			{"Worth a look", alarms(f)},
			{"Changes by administrators", []panel{
				bars("Changes by type", "What administrators and tokens changed.", needsMetadata, "{{eventType}}", changes.over("eventType")),
				rows("Changes by actor", "Who changed it.", needsIdentity, changes.with("user").top(20, "user", "eventType"), user, typed),
				list("Changes", "Each change: when, who, what, to what, from where.", needsMetadata,
					changes.with("user", "ip", "role"), user, typed, target, column{"role", "Role"}, ip, outcome),
			}},
			{"Factors", []panel{
				bars("Pushes", "Okta Verify pushes by the user's answer.", "None. Needs debugContext.debugData.pushOnlyResponseType (Identity Engine).",
					"{{push}}", f.of("user.authentication.auth_via_mfa").having("push").over("push")),
				counted("Denials", "Users with denied pushes", "Several denials in a short time, then an approval, are push bombing that succeeded.",
					"None. Needs Okta Verify with push.", denials(f).with("tx", "session").different(20, "tx", "user", "session"), user, session),
				rows("Factors reset and by whom", "A reset password and reset factors of the same user are what a help desk is talked into.",
					needsTargets,
					f.of("user.mfa.factor.deactivate", "user.mfa.factor.reset_all", "user.account.reset_password").with("user").
						top(20, "event_target_alternateId", "eventType", "user"), column{"event_target_alternateId", "Of"}, typed, column{"user", "By"}),
				recent("Factors enrolled", "A new factor right after a sign-on from a new place belongs to the intruder.", needsIdentity,
					f.of("user.mfa.factor.activate", "device.enrollment.create").with("user", "ip", "country").
						latest(50, "user", "eventType", "ip", "country"),
					user, typed, ip, country),
			}},
			{"Threats and sessions", []panel{
				bars("Threats and risk", "What ThreatInsight, session binding, Identity Threat Protection and users reported.",
					"None. Needs ThreatInsight or Identity Threat Protection.", "{{eventType}}", risks.over("eventType")),
				recent("Threats by address", "The addresses that were last reported. Actors of ThreatInsight are addresses.",
					"None. Needs ThreatInsight or Identity Threat Protection.",
					risks.with("ip", "country", "reason").latest(50, "eventType", "ip", "country", "reason"), typed, ip, country, reason),
				counted("Networks", "Sessions in several networks",
					"Sessions used from more than one autonomous system: a stolen cookie, or a phone on its way. Second factors do not count: "+
						"the telephone that answers is elsewhere.", needsIdentity,
					sessions.different(20, "asn", "user", "session")+" > 1", user, session),
				counted("Applications", "Applications opened in one session",
					"How many applications each session opened; a dozen within minutes is sprawl.", needsTargets,
					f.of("user.authentication.sso").with("user", "session").different(20, "event_target_displayName", "user", "session"), user, session),
				rows("New countries", "Countries of sign-ins in this time range from where nobody came in the seven days before it.",
					"None. Needs client.geographicalContext and seven days of events.",
					located.total("country")+" unless sum by (country) (count_over_time("+located.String()+" [7d] offset $__range))", country),
				recent("Requests with API tokens", "What API tokens did last, by token id. A request without an "+
					"event, and what a drop list drops, is not here: a token that is missing may be in use all the same.", "None. Needs transaction.detail.requestApiTokenId.",
					f.of().having("token").with("user").latest(50, "token", "user", "eventType"), token, user, typed),
			}},
		},
	}
}
