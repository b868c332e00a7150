package redact

import "github.com/grafana/alloy/okta/internal/rawjson"

// What the search for redacted values knows of member names below the top level.
const (
	nameUnknown  = iota // may itself hold a value: searched
	nameSchema          // of Okta's schema: left alone
	nameConstant        // its value is one of Okta's own words: left alone, too
	nameFree            // holds a map that Okta calls no data contract
)

// knownNames are the names of Okta's LogEvent schema (developer reference,
// System Log API) and the debug data that public detection rules read. A name
// of the schema is there whatever people are called, so finding a value in it
// tells nothing, and replacing it would break every query.
var knownNames = map[string]uint8{
	"type": nameConstant, "result": nameConstant, "version": nameConstant, "level": nameConstant, "previousLevel": nameConstant,
	"authenticationProvider": nameConstant, "credentialProvider": nameConstant, "credentialType": nameConstant,
	"authenticationStep": nameConstant,

	"debugData": nameFree, "detailEntry": nameFree, "detail": nameFree, "changeDetails": nameFree,

	"id": nameSchema, "alternateId": nameSchema, "displayName": nameSchema,
	"userAgent": nameSchema, "rawUserAgent": nameSchema, "os": nameSchema, "browser": nameSchema,
	"geographicalContext": nameSchema, "city": nameSchema, "state": nameSchema, "country": nameSchema,
	"postalCode": nameSchema, "geolocation": nameSchema, "lat": nameSchema, "lon": nameSchema,
	"zone": nameSchema, "ipAddress": nameSchema, "device": nameSchema, "ipChain": nameSchema, "ip": nameSchema,
	"source": nameSchema, "ipDetails": nameSchema, "ipServiceCategories": nameSchema,
	"name": nameSchema, "os_platform": nameSchema, "os_version": nameSchema, "managed": nameSchema,
	"registered": nameSchema, "device_integrator": nameSchema, "disk_encryption_type": nameSchema,
	"screen_lock_type": nameSchema, "jailbreak": nameSchema, "secure_hardware_present": nameSchema,
	"issuer": nameSchema, "interface": nameSchema, "externalSessionId": nameSchema, "rootSessionId": nameSchema,
	"reason": nameSchema, "reasons": nameSchema, "asNumber": nameSchema, "asOrg": nameSchema, "isp": nameSchema,
	"domain": nameSchema, "isProxy": nameSchema, "risk": nameSchema, "detectionName": nameSchema,
	"userBehaviors": nameSchema, "botProtection": nameSchema, "from": nameSchema, "to": nameSchema,

	"behaviors": nameSchema, "logOnlySecurityData": nameSchema, "requestId": nameSchema, "requestUri": nameSchema,
	"url": nameSchema, "threatSuspected": nameSchema, "dtHash": nameSchema, "deviceFingerprint": nameSchema,
	"factor": nameSchema, "privilegeGranted": nameSchema, "privilegeRevoked": nameSchema,
	"networkConnection": nameSchema, "originalPrincipal": nameSchema, "requestApiTokenId": nameSchema,
	"targetEventHookIds": nameSchema,
}

// knownName tells what is known of a member name.
func knownName(b []byte, name rawjson.Span) uint8 {
	return knownNames[rawjson.Unquote(name.Of(b))]
}

// topNames are the top-level members of the schema.
var topNames = map[string]bool{
	"actor": true, "authenticationContext": true, "client": true, "debugContext": true, "device": true, "displayMessage": true,
	"eventType": true, "legacyEventType": true, "outcome": true, "published": true, "request": true, "securityContext": true,
	"severity": true, "target": true, "transaction": true, "uuid": true, "version": true,
}
