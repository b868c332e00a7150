package oktasim

// entry is what Okta's event type catalog says about one type. Types without a
// legacy name came after the old events API.
type entry struct {
	message  string
	legacy   string
	severity string // empty: INFO
}

var catalog = map[string]entry{
	"app.generic.unauth_app_access_attempt": {
		"User attempted unauthorized access to app", "app.generic.unauth_app_access_attempt", "WARN",
	},
	"app.oauth2.token.grant.access_token": {
		"OAuth2 access token is granted", "app.oauth2.token.grant.access_token_success", "",
	},
	"application.lifecycle.activate":         {"Activate application", "app.generic.config.app_activated", ""},
	"application.lifecycle.create":           {"Create application", "app.generic.config.app_created", ""},
	"application.lifecycle.delete":           {"Delete application", "app.generic.config.app_deleted", ""},
	"application.lifecycle.update":           {"Update application", "app.generic.config.app_updated", ""},
	"application.policy.sign_on.rule.delete": {"Delete rule from application sign on policy", "", ""},
	"application.policy.sign_on.update": {
		"Update application sign on policy", "app.generic.config.app_sign_on_policy_updated", "",
	},
	"application.user_membership.add": {
		"Add user to application membership", "app.generic.provision.assign_user_to_app", "",
	},
	"application.user_membership.remove": {
		"Remove user's application membership", "app.generic.provision.deactivate_user_from_app", "",
	},
	"core.concurrency.org.limit.violation": {
		"Too many concurrent requests from org", "core.concurrency.org.limit.violation", "",
	},
	"device.enrollment.create":              {"Add device for user", "", ""},
	"event_hook.delivery":                   {"Event hook delivery", "", "DEBUG"},
	"group.privilege.grant":                 {"Grant group privilege", "core.user.admin_privilege.granted", ""},
	"group.user_membership.add":             {"Add user to group membership", "core.user_group_member.user_add", ""},
	"group.user_membership.remove":          {"Remove user from group membership", "core.user_group_member.user_remove", ""},
	"iam.resourceset.bindings.add":          {"Add resource set binding", "", ""},
	"policy.evaluate_sign_on":               {"Evaluation of sign-on policy", "", ""},
	"policy.lifecycle.delete":               {"Delete policy", "policy.delete", ""},
	"policy.lifecycle.update":               {"Update policy", "policy.update", ""},
	"policy.rule.delete":                    {"Delete policy rule", "policy.rule.delete", ""},
	"policy.rule.update":                    {"Update policy rule", "policy.rule.update", ""},
	"security.request.blocked":              {"Request from suspicious actor", "core.user_auth.login_denied", "WARN"},
	"security.threat.detected":              {"Request from suspicious actor", "", "WARN"},
	"system.agent.ad.connect":               {"Connect AD agent to Okta", "app.ad.agent.connect", ""},
	"system.api_token.create":               {"Create API token", "api.token.create", ""},
	"system.api_token.revoke":               {"Revoke API token", "api.token.revoke", ""},
	"system.email.delivery":                 {"Email delivery", "", ""},
	"system.idp.lifecycle.create":           {"Create Identity Provider", "", ""},
	"system.import.complete":                {"Import complete", "app.generic.import.complete", ""},
	"system.import.start":                   {"Start import", "app.generic.import.started", ""},
	"system.import.user.update":             {"Update user from import", "app.generic.import.details.update_user", ""},
	"system.operation.rate_limit.violation": {"Operation rate limit violation", "", "WARN"},
	"system.org.rate_limit.violation":       {"Rate limit violation", "core.framework.ratelimit.exceeded", "WARN"},
	"system.org.rate_limit.warning":         {"Rate limit warning", "core.framework.ratelimit.warning", "WARN"},
	"system.push.send_factor_verify_push": {
		"Send Okta Verify push verification message", "core.user.push.send_factor_verify_message", "",
	},
	"user.account.lock":            {"Max sign in attempts exceeded", "core.user_auth.account_locked", "WARN"},
	"user.account.privilege.grant": {"Grant user privilege", "core.user.admin_privilege.granted", ""},
	"user.account.report_suspicious_activity_by_enduser": {
		"User reported suspicious activity", "core.user.account.report_suspicious_activity", "WARN",
	},
	"user.account.reset_password":           {"User reset password for Okta", "core.user.config.user_status.password_reset", ""},
	"user.account.unlock":                   {"Unlock user account for Okta", "core.user.account.unlock_by_admin", ""},
	"user.account.update_password":          {"User update password for Okta", "core.user.config.password_update.success", ""},
	"user.account.update_profile":           {"Update user profile for Okta", "core.user.config.user_profile_update.success", ""},
	"user.authentication.auth_via_AD_agent": {"Authenticate user via AD agent", "core.user_auth.login_via_ad_agent", ""},
	"user.authentication.auth_via_mfa":      {"Authentication of user via MFA", "core.user.factor.attempt_success", ""},
	"user.authentication.sso":               {"User single sign on to app", "app.auth.sso", ""},
	"user.authentication.verify":            {"Verify user identity", "", ""},
	"user.lifecycle.activate":               {"Activate Okta user", "core.user.config.user_activated", ""},
	"user.lifecycle.create":                 {"Create Okta user", "core.user.config.user_creation.success", ""},
	"user.lifecycle.deactivate":             {"Deactivate Okta user", "core.user.config.user_deactivated", ""},
	"user.lifecycle.suspend":                {"Suspend Okta user", "core.user.config.user_suspended", ""},
	"user.mfa.factor.activate": {
		"Activate factor or authenticator enrollment method for user", "core.user.factor.activate", "",
	},
	"user.mfa.factor.deactivate": {
		"Reset factor or authenticator enrollment for user", "core.user.factor.deactivate", "",
	},
	"user.mfa.factor.reset_all":        {"Reset all factors for user", "core.user.factor.reset_all", ""},
	"user.mfa.okta_verify.deny_push":   {"User rejected Okta push verify", "", "WARN"},
	"user.risk.change":                 {"User risk level changed", "", "WARN"},
	"user.session.access_admin_app":    {"User accessing Okta admin app", "app.admin.sso.login.success", ""},
	"user.session.end":                 {"User logout from Okta", "core.user_auth.logout_success", ""},
	"user.session.impersonation.grant": {"Grant user impersonation", "core.user.impersonation.grant.enabled", ""},
	"user.session.start":               {"User login to Okta", "core.user_auth.login_success", ""},
	"zone.deactivate":                  {"Deactivate network zone", "network_zone.deactivate", ""},
	"zone.delete":                      {"Delete network zone", "network_zone.delete", ""},
	"zone.update":                      {"Update network zone", "network_zone.update", ""},
}
