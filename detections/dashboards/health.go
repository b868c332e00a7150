package dashboards

// health is about what an org needs to go on working, from its log alone.
func health(f LineFormat) board {
	exceeded := f.of("system.org.rate_limit.violation", "system.client.rate_limit.violation", "system.client.concurrency_rate_limit.violation",
		"system.operation.rate_limit.violation", "system.operation.concurrency_limit.violation", "core.concurrency.org.limit.violation",
		"application.integration.rate_limit_exceeded")
	nearly := f.of("system.org.rate_limit.warning", "system.org.rate_limit.burst", "system.org.rate_limit.expiration.warning",
		"system.client.rate_limit.notification", "system.client.concurrency_rate_limit.notification", "system.operation.rate_limit.warning",
		"app.oauth2.client_id_rate_limit_warning")
	limits := f.of("system.org.rate_limit.*", "system.client.*", "system.operation.*", "core.concurrency.org.limit.violation",
		"application.integration.rate_limit_exceeded", "app.oauth2.client_id_rate_limit_warning")
	hooks := f.of("event_hook.delivery", "inline_hook.executed", "inline_hook.response.processed").that(`outcome="FAILURE"`)
	off := f.of("event_hook.deactivated", "event_hook.deleted", "inline_hook.deactivated", "inline_hook.deleted",
		"system.log_stream.lifecycle.deactivate", "system.log_stream.lifecycle.delete")
	agents := f.of("system.agent.*", "app.radius.agent.*")
	down := agents.that("eventType=~`.+\\.(disconnect|deactivate|failed|port_inaccessible)` or outcome=\"FAILURE\"")
	throughAgents := f.of("user.authentication.auth_via_AD_agent", "user.authentication.auth_via_LDAP_agent",
		"user.authentication.auth_via_radius")
	grants := f.of("app.oauth2.token.grant", "app.oauth2.token.grant.*", "app.oauth2.as.token.grant", "app.oauth2.as.token.grant.*").
		that(`outcome="SUCCESS"`)
	const (
		limitsNone = "None: no limit was reached."
		hooksNone  = "None. Needs event hooks or inline hooks."
		agentsNone = "None. Needs directory or RADIUS agents."
	)
	agent, limit := column{"event_target_displayName", "Agent"}, column{"event_target_displayName", "Limit"}
	return board{
		uid: "okta-org-health", title: "Okta org health", from: "now-24h",
		about: "What an org needs to go on working: rate limits, API tokens and apps, hooks and log streams, directory agents.",
		sections: []section{
			{"Now", []panel{
				alarm("Limits exceeded", "Requests that Okta refused for a rate or concurrency limit, "+
					"and Okta's own that an application refused.", limitsNone, exceeded),
				number("Limits nearly reached", "Warnings, and bursts that Okta allowed.", limitsNone, nearly.total(), "green", "orange"),
				alarm("Hooks failed", "Event hooks that were not delivered, inline hooks that were not answered. Okta doesn't send the event again.",
					hooksNone, hooks),
				alarm("Hooks and streams off", "Event hooks, inline hooks and log streams that were deactivated or deleted.",
					"None. Needs log streaming or hooks.", off),
				alarm("Agents failed", "Directory and RADIUS agents that failed at something, disconnected, or were deactivated.", agentsNone, down),
				number("API tokens in use", "Different API tokens with which something was asked for that the log has and no "+
					"drop list drops.",
					"None. Needs transaction.detail.requestApiTokenId.", f.of().having("token").distinct("token"), "blue"),
			}},
			{"Rate limits", []panel{
				bars("Limits by type", "What Okta warned of, and what it refused.", limitsNone, "{{eventType}}", limits.over("eventType")).sized(24, 8),
				rows("Limits by client", "Which limit, and whose requests used it up: the user or app, the address, and the program.", limitsNone,
					limits.with("user", "ip", "agent").top(50, "eventType", "event_target_displayName", "user", "ip", "agent"),
					typed, limit, user, ip, column{"agent", "Program"}).sized(24, 9),
			}},
			{"API tokens and apps", []panel{
				stale("API tokens by last use", "The longest unused first. A token that is nobody's daily work any more can go. "+
					"Look in Okta first: a request without an event, and what a drop list drops, is no use here.",
					"None. Needs transaction.detail.requestApiTokenId.",
					f.of().having("token").with("user").oldest(400, "token", "user"), token, user),
				stale("Service apps by last use", "Apps and AI agents that took an access token, the longest unused first.",
					"None. Needs apps with OAuth 2.0.", grants.with("user", "user_name").oldest(400, "user_name", "user"),
					column{"user_name", "App"}, column{"user", "Client ID"}),
				stale("Applications by last use", "Applications that somebody opened, the longest unused first.", needsTargets,
					f.of("user.authentication.sso").oldest(400, "event_target_displayName"), column{"event_target_displayName", "Application"}).
					sized(24, 8),
			}},
			{"Hooks and log streams", []panel{
				rows("Hooks that fail", "Which hook, and why.", hooksNone,
					hooks.with("reason").top(50, "event_target_displayName", "eventType", "reason"),
					column{"event_target_displayName", "Hook"}, typed, reason),
				bars("Hook deliveries", "Event hooks and inline hooks by outcome.", hooksNone, "{{eventType}} {{outcome}}",
					f.of("event_hook.delivery", "inline_hook.executed").over("eventType", "outcome")),
				list("Hooks and streams changed", "Each change: when, who, what.", "None. Needs log streaming or hooks.",
					f.of("event_hook.*", "inline_hook.*", "system.log_stream.lifecycle.*").
						that("eventType!~`event_hook\\.(delivery|verified)|inline_hook\\.(executed|response.+|verified)`").with("user", "ip"),
					user, typed, target, ip, outcome),
			}},
			{"Directory agents", []panel{
				recent("Agents that failed", "What each agent failed at, or that it went away, the last first.", agentsNone,
					down.with("reason").latest(50, "event_target_displayName", "eventType", "outcome", "reason"), agent, typed, outcome, reason),
				stale("Agents by last event", "The longest silent first. An agent without any event in this time is not here.", agentsNone,
					agents.that(`event_target_displayName!=""`).oldest(100, "event_target_displayName"), agent),
				bars("Agents by event type", "What agents do.", agentsNone, "{{eventType}}", agents.over("eventType")),
				bars("Sign-ins through agents", "Passwords that a directory's agent checked, by outcome and reason: many failures at once are "+
					"an agent or directory that is away.", "None. Needs sign-in through a directory or RADIUS.", "{{outcome}} {{reason}}",
					throughAgents.with("reason").over("outcome", "reason")),
			}},
		},
	}
}
