package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

const investigationUID = "okta-investigation"

func investigation(f LineFormat) board {
	chosen := f.of().line("|~ `(?i)${user:regex}`").line("|~ `${ip:regex}`").line("|~ `${session:regex}`").
		that("eventType=~`${eventType:regex}.*`").with("ip", "session", "user").
		where("ip=~`${ip:regex}.*`").where("session=~`${session:regex}.*`")
	inSession := chosen.with("asn", "as_org", "country", "os", "browser").where(`session!="unknown"`).where(`session!=""`)
	const empty = "No events match. Clear a variable, or take a longer time range."
	return board{
		uid: investigationUID, title: "Okta investigation", from: "now-24h",
		about: "Everything about a user, an address, a session, or a type of event.",
		variables: []cog.Builder[dashboard.VariableModel]{
			textVariable("user", "User", "Text anywhere in the event, such as a login: as actor, target, or otherwise, in upper or lower case"),
			textVariable("ip", "IP", "How client.ipAddress begins"),
			textVariable("session", "Session", "How authenticationContext.externalSessionId begins"),
			textVariable("eventType", "Event type", "How eventType begins, such as user.mfa"),
		},
		sections: []section{
			{"Found", []panel{
				number("Events", "Events that match.", empty, chosen.total(), "blue"),
				number("Actors", "Different actors of these events.", empty, chosen.distinct("user"), "blue"),
				number("Addresses", "Different addresses.", empty, chosen.where(`ip!=""`).distinct("ip"), "blue"),
				number("Sessions", "Different sessions.", empty, inSession.distinct("session"), "blue"),
				number("Networks", "Different autonomous systems.", "None. Needs securityContext.asNumber.",
					chosen.with("asn").where(`asn!=""`).distinct("asn"), "blue"),
				number("Failures", "Events with outcome FAILURE or DENY.", needsMetadata, chosen.that("outcome=~`FAILURE|DENY`").total(), "orange"),
			}},
			{"When", []panel{
				bars("By event type", "What happened when.", empty, "{{eventType}}", chosen.over("eventType")).sized(24, 9),
				bars("By country", "From where.", "None. Needs client.geographicalContext.country.", "{{country}}",
					chosen.having("country").over("country")),
				bars("By outcome", "With what success.", needsMetadata, "{{outcome}}", chosen.over("outcome")),
			}},
			{"Who and where", []panel{
				recent("Use of sessions",
					"The addresses, networks and browsers of each session, the last used first. If there are several networks, ask its owner.",
					empty, inSession.latest(100, "session", "user", "ip", "as_org", "asn", "country", "os", "browser"), session, user, ip, asOrg,
					column{"asn", "ASN"}, country, column{"os", "OS"}, column{"browser", "Browser"}).sized(24, 9),
				recent("From where", "Addresses, the last used first.", empty,
					chosen.with("country", "as_org").latest(100, "ip", "country", "as_org"), ip, country, asOrg),
				recent("Who acted", "Actors and their types.", empty, chosen.with("user_type").latest(50, "user", "user_type"), user,
					column{"user_type", "Type"}),
				recent("Targets", "What was acted upon.", needsTargets,
					chosen.that(`event_target_displayName!=""`).latest(50, "event_target_type", "event_target_displayName"),
					column{"event_target_type", "Type"}, target),
				rows("Outcomes", "Outcomes and their reasons.", needsMetadata,
					chosen.with("reason").frequent(50, "eventType", "outcome", "reason"), typed, outcome, reason),
				recent("Requests", "Paths that were asked for, the last first.", "None. Needs debugContext.debugData.requestUri.",
					chosen.having("uri").latest(50, "uri"), column{"uri", "Path"}).sized(24, 8),
				recent("Administrators", "Who of the actors holds which administrator's roles, and with what.", "None. Needs the block context.",
					chosen.that(`actor_roles!=""`).latest(50, "user", "actor_roles", "eventType"), user, column{"actor_roles", "Roles"}, typed),
				recent("Administrators acted upon", "Targets that hold administrators' roles.", "None. Needs the block context.",
					chosen.that(`target_roles!=""`).latest(50, "event_target_displayName", "target_roles", "eventType"), target,
					column{"target_roles", "Roles"}, typed),
			}},
			{"Events", []panel{
				list("Events in brief", "A line for each event.", empty, chosen.with("message", "reason"), user, typed,
					column{"message", "Message"}, target, outcome, reason, ip, session),
				raw("Raw events", "The events themselves, newest first.", empty, chosen),
			}},
		},
	}
}
