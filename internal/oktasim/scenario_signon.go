package oktasim

import (
	"fmt"
	"time"
)

// pushBombing follows Identity Engine: a rejected push is an auth_via_mfa with INVALID_CREDENTIALS, sent by the phone under the
// session that the browser has opened, and beside it the rejection itself.
func pushBombing(a *attack) {
	victim := a.employee()
	intruder := a.intruder(victim, hosts[0])
	phone := *victim
	phone.session, phone.device, phone.kind = intruder.session, nil, "Mobile"
	phone.agent = userAgent{"OktaVerify/9.31.0 com.okta.mobile iOS/17.6 Apple/iPhone15,2", "iOS", "UNKNOWN"}
	dashboard := &a.apps[1]

	s := a.request(intruder, "/idp/idx/challenge/answer")
	s.event("user.authentication.auth_via_mfa", "SUCCESS", &victim.party).data("factor", "PASSWORD_AS_FACTOR", "factorIntent", "LOGIN")
	s.suspect(dashboard, "CHALLENGE")
	for denied := 0; ; denied++ {
		a.wait(25 * time.Second)
		a.push(intruder, victim)
		a.wait(12 * time.Second)
		s := a.request(&phone, "/api/v1/authn/factors/opf"+a.letters(17, base62)+"/transactions/ft"+a.letters(20, base62)+"/verify")
		if denied == 8 {
			s.event("user.authentication.auth_via_mfa", "SUCCESS", &victim.party).
				data("factor", "OKTA_VERIFY_PUSH", "factorIntent", "AUTHENTICATION", "pushOnlyResponseType", "OV_RESPONSE_APPROVE")
			break
		}
		s.event("user.mfa.okta_verify.deny_push", "FAILURE", &victim.party).because("USER_REJECTED_PUSH").data("factor", "OKTA_VERIFY_PUSH")
		s.event("user.authentication.auth_via_mfa", "FAILURE", &victim.party).because("INVALID_CREDENTIALS").
			saying("WARN", "Authentication of user via MFA", "core.user.factor.attempt_fail").
			data("factor", "OKTA_VERIFY_PUSH", "factorIntent", "AUTHENTICATION", "pushOnlyResponseType", "OV_RESPONSE_DENY")
	}
	a.wait(2 * time.Second)
	a.signOn(intruder, dashboard)
	for _, app := range a.apps[3:6] {
		a.wait(20 * time.Second)
		a.open(intruder, &app)
	}
	a.wait(20 * time.Second)
	a.enroll(intruder)
}

// push is the browser's wish that the phone be asked.
func (a *attack) push(by, to *user) {
	a.request(by, "/idp/idx/challenge").event("system.push.send_factor_verify_push", "SUCCESS", &to.party).data("factor", "OKTA_VERIFY_PUSH")
}

// signOn is a sign-on that succeeds although everything about it is new.
func (a *attack) signOn(by *user, app *party) {
	s := a.request(by, "/idp/idx/identify")
	s.suspect(app, "ALLOW")
	s.startSession(app)
}

// open is single sign-on into an application.
func (a *attack) open(by *user, app *party) {
	a.request(by, "/app/"+asciiLogin(*app.DisplayName)+"/"+app.ID+"/sso/saml").sso(app)
}

// enroll is a factor of the intruder's own.
func (a *attack) enroll(by *user) {
	a.request(by, "/idp/idx/credential/enroll").event("user.mfa.factor.activate", "SUCCESS", &by.party).
		because("User set up OKTA_VERIFY_PUSH factor").data("factor", "OKTA_VERIFY_PUSH", "factorIntent", "CREDENTIAL_ENROLLMENT")
}

// passwordSpray tries each account once, so that none is locked, apart from one that its owner has nearly locked before.
func passwordSpray(a *attack) {
	browser := a.intruder(a.employee(), hosts[1])
	var addresses []string
	for range 4 {
		addresses = append(addresses, a.address(browser.place))
	}
	const tries = 50
	for i := range tries {
		a.wait(9 * time.Second)
		u := *browser
		u.ip, u.session = addresses[i%len(addresses)], "unknown" // no session comes of it
		if i%10 == 9 {
			u.party = party{ID: "unknown", Type: "User", AlternateID: ptr(fmt.Sprintf("test%d@acme.example", i)), DisplayName: ptr("unknown")}
		} else {
			u.party = a.employee().party
		}
		s := a.request(&u, "/api/v1/authn")
		switch {
		case i == tries-2:
			opened := a.intruder(&u, browser.place)
			opened.ip, opened.dtHash = u.ip, u.dtHash
			s.as(opened)
			s.suspect(&a.apps[1], "ALLOW")
			s.startSession(&a.apps[1])
			a.wait(5 * time.Second)
			a.open(opened, &a.apps[3])
		case u.ID == "unknown":
			s.failLogin(u.AlternateID, "VERIFICATION_ERROR")
		default:
			s.failLogin(u.AlternateID, "INVALID_CREDENTIALS")
		}
		if i == 20 {
			s.event("user.account.lock", "FAILURE", &u.party).because("LOCKED_OUT")
		}
		if i > 0 && i%15 == 0 {
			a.threatInsight(&u)
		}
	}
}

// threatInsight is Okta's own opinion of an address. Its actor is the address, not a person.
func (a *attack) threatInsight(from *user) {
	s := a.request(from, "/api/v1/authn")
	s.actor = &party{ID: from.ip, Type: "IP address", AlternateID: ptr("unknown"), DisplayName: &from.ip}
	s.event("security.threat.detected", "DENY", &party{ID: from.ip, Type: "IP address", AlternateID: ptr("unknown")}).
		because("Password Spray").data("threatDetections", `{"Password Spray":"HIGH"}`, "threatSuspected", "true")
}

// sessionHijack has the owner sign on and work, and others use the same session from other networks.
func sessionHijack(a *attack) {
	owner := a.employee()
	owner.session = a.sessionID()
	s := a.request(owner, "/idp/idx/identify")
	s.evaluate(&a.apps[1], "ALLOW")
	s.event("user.authentication.auth_via_mfa", "SUCCESS", s.authenticator()).data("factor", "SIGNED_NONCE", "factorIntent", "AUTHENTICATION")
	s.startSession(&a.apps[1]).AuthenticationContext.RootSessionID = owner.session
	var thieves []*user
	for _, from := range hosts[:2] {
		thief := a.intruder(owner, from)
		thief.session = owner.session
		thieves = append(thieves, thief)
	}
	for i := range 12 {
		a.wait(40 * time.Second)
		switch {
		case i < 3 || i%4 == 0: // the owner, before and meanwhile
			a.open(owner, &a.apps[3+i%5])
		default:
			thief := thieves[i/7]
			a.open(thief, &a.apps[4+i%10])
			if i == 3 || i == 7 { // each when first seen
				s := a.request(thief, "/api/v1/sessions/me")
				s.event("security.session.detect_client_roaming", "DENY", &owner.party).because("Session roaming detected")
				s.event("user.session.context.change", "SUCCESS", &owner.party).
					risky("Session Influenced User Risk", "Anomalous IP", "Anomalous Device")
			}
		}
	}
	a.wait(10 * time.Second)
	a.request(thieves[1], "/api/v1/sessions/me").event("user.risk.detect", "SUCCESS", &owner.party).
		risky("Session Influenced User Risk", "Session used from several networks")
}

// appSprawl opens whatever there is, as somebody does who copies what they can reach.
func appSprawl(a *attack) {
	victim := a.employee()
	intruder := a.intruder(victim, hosts[2])
	a.signOn(intruder, &a.apps[1])
	for i := range a.apps {
		a.wait(15 * time.Second)
		app := &a.apps[i]
		if i%5 == 0 {
			s := a.request(intruder, "/app/"+app.ID)
			s.suspect(app, "CHALLENGE")
			s.event("app.generic.unauth_app_access_attempt", "FAILURE", app, &victim.party).because("User is not assigned to this app")
			continue
		}
		a.open(intruder, app)
	}
	for range 3 {
		a.wait(10 * time.Second)
		app := &a.apps[0]
		a.request(intruder, "/app/"+app.ID).event("app.generic.unauth_app_access_attempt", "FAILURE", app, &victim.party).
			because("User is not assigned to this app")
	}
	a.wait(30 * time.Second)
	shared := &a.apps[11]
	a.request(intruder, "/api/internal/enduser/apps/"+shared.ID+"/password").
		event("application.user_membership.show_password", "SUCCESS", shared, &victim.party)
}
