package redact

import (
	_ "embed"
	"maps"
	"strings"
	"unicode"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// A guard is what a preset redacts. It is closed by default: a string or number is redacted unless its member is known to name nobody.
// Okta adds members and types whenever it likes, and a list of what is personal would always be behind.
type guard struct {
	documented *table          // members of Okta's LogEvent schema
	free       *table          // members of the maps that Okta promises nothing about
	things     map[string]bool // types of actors and targets that are no people, normalized
}

// A class is what becomes of a member.
type class uint8

const (
	unknown class = iota // redacted; what is in an object is judged by its own members
	word                 // the same, but its name is one of Okta's words; those below are names of Okta's
	keep                 // stays; the same
	open                 // stays with all that is in it, but for people
	holder               // an actor or target
	name                 // of an actor or target: stays if that is a thing
	freeMap              // a map that Okta promises nothing about
	all                  // redacted with all that is in it
)

// A scope is the part of an event that decides which members are known.
type scope uint8

const (
	unguarded  scope = iota // no preset: paths alone
	documented              // among the members of Okta's schema
	free                    // in a map that Okta promises nothing about, or in JSON inside a string
)

// A place is what holds for a value because of where it is.
type place struct {
	scope  scope
	scalar bool // a string or number is redacted here
	open   bool // unknown members stay
}

// classOf returns the class of the member whose name, without quotes, is raw, and whether that is how Okta spells it.
func (g *guard) classOf(s scope, raw []byte) (c class, spelled bool) {
	known := g.free
	if s == documented {
		known = g.documented
	}
	if c := known.of(rawjson.Alias(raw)); c != unknown {
		return c, true
	}
	var buf [64]byte
	return known.of(rawjson.Alias(appendNormalized(buf[:0], rawjson.Unquote(raw)))), false
}

// in returns the place of a member of that class, and whether it is redacted as a whole; see Pass.member.
func (c class) in(p place, isThing func() bool) (inside place, whole bool) {
	switch c {
	case keep:
		return place{scope: p.scope, open: p.open}, false
	case open:
		return place{scope: p.scope, open: true}, false
	case holder:
		return place{scope: p.scope, scalar: true}, false
	case name:
		return place{scope: free}, !isThing()
	case freeMap:
		return place{scope: free, scalar: true}, false
	case all:
		return place{}, true
	}
	return place{scope: free, scalar: !p.open, open: p.open}, false
}

// isThing tells whether the types, of which an object has several if it repeats the member, are all types of things.
func (g *guard) isThing(types []string) bool {
	for _, t := range types {
		var buf [64]byte
		if !g.things[string(appendNormalized(buf[:0], t))] {
			return false
		}
	}
	return len(types) > 0
}

// normalize makes spellings equal that differ in case, spaces and punctuation: AppInstance, app_instance, "App Instance".
func normalize(text string) string { return string(appendNormalized(nil, text)) }

func appendNormalized(dst []byte, text string) []byte {
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			dst = appendRune(dst, fold(r))
		}
	}
	return dst
}

// The guards of the presets.
var (
	identityDocumented = identityMembers(documentedMembers)
	identityFree       = identityMembers(freeMembers())

	identityGuard = guard{newTable(identityDocumented), newTable(identityFree), set(typesOfThings)}
	personalGuard = guard{
		documented: newTable(with(identityDocumented, all, places+" debugData")),
		free:       newTable(with(identityFree, all, places)),
		things:     without(identityGuard.things, "ipaddress"),
	}
)

// typesOfThings are the types of actors and targets that are no people. Not among them, as they carry a person's name: devices,
// certificates, an app's own users (AppUser), addresses and phone numbers.
const typesOfThings = `
	SystemPrincipal PublicClientApp AppInstance AppGroup Application App Client OAuthClient OAuth2Client ApiServer ApiServiceIntegration
	UserGroup Group GroupRule OrgGroup Org Organization Realm
	Policy PolicyEntity PolicyRule PolicyMapping Rule RuleSet RuleSetBranch AccessPolicy SignOnPolicy
	Authenticator AuthenticatorEnrollment AuthenticatorMethod Factor FactorType FactorProvider
	Token ApiToken AccessToken RefreshToken IdToken DeviceSecret AuthorizationCode
	AuthorizationServer Scope Claim ApiScope OAuth2Scope OAuth2Claim TrustedServer JsonWebKey SigningKey
	IdentityProvider IdP NetworkZone Zone IPAddress TrustedOrigin URLPattern BucketUuid Bucket RateLimit
	CustomRole Role AdminRole ResourceSet RoleBinding Permission Entitlement EntitlementBundle
	EventHook InlineHook HookKey LogStream Agent AgentPool ConnectorAgent Directory DirectoryAgent
	Brand Theme Domain CustomDomain EmailDomain EmailTemplate EmailServer SmsTemplate Captcha SignInPage SignOutPage CustomPage
	BehaviorSettings BehaviorRule Behavior DeviceAssurance DeviceIntegration PushProvider Feature Schema UserType UserSchema
	ProfileMapping Mapping Task Job Report AccessRequestCondition Campaign`

// documentedMembers are the members of Okta's LogEvent schema (developer reference, System Log API) that name nobody; a person is
// behind some of them, as behind every id.
const documentedMembers = `
	uuid published eventType legacyEventType severity version displayMessage
	outcome result reason reasons client zone device id type authenticationContext authenticationProvider authenticationStep
	credentialProvider credentialType issuer interface externalSessionId rootSessionId
	os_platform os_version managed registered device_integrator disk_encryption_type screen_lock_type jailbreak secure_hardware_present
	securityContext asNumber asOrg isp domain isProxy risk level previousLevel detectionName botProtection ipDetails ipServiceCategories
	request ipChain source transaction debugContext ` + places

// places are the members that tell where a person is and with what, not who it is.
const places = `
	ipAddress ip geographicalContext city state country postalCode geolocation lat lon userAgent rawUserAgent os browser
	suspiciousActivityEventIp suspiciousActivityEventCity suspiciousActivityEventState suspiciousActivityEventCountry
	suspiciousActivityEventLatitude suspiciousActivityEventLongitude suspiciousActivityBrowser suspiciousActivityOs`

//go:embed harmless.txt
var harmless string

//go:embed words.txt
var words string

func freeMembers() string { return uncommented(harmless) + places }

// uncommented is a list without the lines that begin with #.
func uncommented(list string) string {
	var b strings.Builder
	for line := range strings.Lines(list) {
		if !strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// identityMembers is the table of members by name, as Okta spells it and normalized.
func identityMembers(kept string) map[string]class {
	m := with(nil, word, uncommented(words))
	m = with(m, keep, kept)
	m = with(m, open, "behaviors userBehaviors threatDetections")
	m = with(m, holder, "actor target")
	m = with(m, name, "alternateId displayName")
	m = with(m, freeMap, "debugData detailEntry changeDetails detail")
	return with(m, all, "profile") // a user's, in changeDetails: marked personal as a whole
}

func with(table map[string]class, c class, names string) map[string]class {
	m := map[string]class{}
	maps.Copy(m, table)
	for _, n := range strings.Fields(names) {
		m[n], m[normalize(n)] = c, c
	}
	return m
}

func set(names string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(names) {
		m[normalize(n)] = true
	}
	return m
}

func without(table map[string]bool, name string) map[string]bool {
	m := maps.Clone(table)
	delete(m, name)
	return m
}
