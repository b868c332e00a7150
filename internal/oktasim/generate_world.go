package oktasim

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
)

// world is the company behind an org: people who sit somewhere, own devices and
// use the same applications every day. It is drawn once from the seed, and all
// events are drawn from it, so the same seed and the same times give the same
// bytes.
type world struct {
	rng      *rand.Rand
	users    []user
	services []party // SSWS and OAuth clients that act by themselves
	apps     []party
	groups   []party
	policies []party
	zones    []party
	proxy    network // where attackers come from
	system   party

	node   [6]byte // of the UUIDs
	serial uint64  // of the UUIDs
	events int     // generated so far
	quiet  bool    // Org.Quiet
}

type user struct {
	party
	place   network
	ip      string
	agent   userAgent
	kind    string // of the client: Computer or Mobile
	device  *device
	session string
	admin   bool

	cast     bool   // has a part in an attack
	stranger bool   // is somebody else, under this user's name
	dtHash   string // of a stranger's device
}

// network is a place on the internet and on the map. Addresses come from the
// ranges that RFC 5737, RFC 2544 and RFC 3849 set aside.
type network struct {
	prefix                       string
	city, state, country, postal string
	lat, lon                     float64
	asn                          int
	asOrg, isp, domain           string
	proxy                        bool
}

var networks = []network{
	{
		"198.18.1", "San Francisco", "California", "United States", "94105", 37.7852, -122.3874, 64501, "golden gate fiber",
		"golden gate fiber inc.", "ggfiber.example", false,
	},
	{
		"198.18.2", "New York", "New York", "United States", "10013", 40.7191, -74.0053, 64502, "hudson networks", "hudson networks llc",
		"hudson.example", false,
	},
	{
		"198.18.3", "London", "England", "United Kingdom", "EC1A", 51.5182, -0.1002, 64503, "thames telecom", "thames telecom plc",
		"thames.example", false,
	},
	{
		"198.18.4", "Berlin", "Land Berlin", "Germany", "10115", 52.5323, 13.3846, 64504, "spree netz", "spree netz gmbh", "spree.example", false,
	},
	{
		"198.18.5", "Kraków", "Małopolskie", "Poland", "31-001", 50.0614, 19.9366, 64505, "wisla online", "wisla online sp. z o.o.",
		"wisla.example", false,
	},
	{
		"198.18.6", "São Paulo", "São Paulo", "Brazil", "01310", -23.5614, -46.6559, 64506, "paulista telecom", "paulista telecom s.a.",
		"paulista.example", false,
	},
	{
		"198.18.7", "東京", "東京都", "Japan", "100-0001", 35.6852, 139.7528, 64507, "edo communications", "edo communications k.k.", "edo.example",
		false,
	},
	{
		"198.18.8", "Bengaluru", "Karnataka", "India", "560001", 12.9762, 77.6033, 64508, "deccan broadband", "deccan broadband ltd",
		"deccan.example", false,
	},
	{
		"2001:db8:9", "Amsterdam", "North Holland", "Netherlands", "1012", 52.3728, 4.8936, 64509, "amstel ip", "amstel ip b.v.",
		"amstel.example", false,
	},
	{
		"203.0.113", "Reykjavík", "Capital Region", "Iceland", "101", 64.1466, -21.9426, 64666, "hidden fjord vpn", "hidden fjord vpn ehf",
		"fjord.example", true,
	},
}

var people = []string{
	"Ada Byron", "Grace Murray", "Zoë Müller", "Łukasz Żak", "José Ñúñez", "Anaïs Lefèvre", "Siobhán O'Brien", "Анна Иванова",
	"李 小龙", "佐藤 花子", "Nguyễn Thị Mai", "Mehmet Çelik", "Priya Raghunathan", "Sam Ng", "Fatima al-Zahra", "Björn Ångström",
	"Olu Adeyemi", "Maria da Conceição", "김 민준", "Δημήτρης Παππάς", "Noor Jansen", "Tom Baker", "Ruth Okonkwo", "Élodie \"Lo\" Martin",
}

var applications = []string{
	"Okta Admin Console", "Okta Dashboard", "Okta Browser Plugin", "Google Workspace", "Slack", "GitHub Enterprise Cloud",
	"AWS IAM Identity Center",
	"Salesforce.com", "Workday", "Zoom", "Atlassian Cloud", "Box", "ServiceNow UD", "Datadog", "Grafana Cloud", "1Password Business",
}

var agents = []userAgent{
	{
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
		"Mac OS 14.5.0 (Sonoma)", "CHROME",
	},
	{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0",
		"Windows 10", "EDGE",
	},
	{"Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0", "Linux", "FIREFOX"},
	{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1",
		"iOS (iPhone)", "SAFARI",
	},
}

var platforms = []string{"OSX", "WINDOWS", "LINUX", "IOS"} // by index of agents

func newWorld(seed int64) *world {
	w := &world{rng: rand.New(rand.NewPCG(uint64(seed), 0x0c7a51))}
	w.drawNode()
	w.system = party{ID: w.id("00u"), Type: "SystemPrincipal", AlternateID: ptr("system@okta.com"), DisplayName: ptr("Okta System")}
	w.proxy = networks[len(networks)-1]
	for i, name := range applications {
		w.apps = append(w.apps, party{ID: w.id("0oa"), Type: "AppInstance", AlternateID: ptr(name), DisplayName: ptr(name),
			DetailEntry: map[string]any{"signOnModeType": []string{"SAML_2_0", "OPENID_CONNECT"}[i%2]}})
	}
	for _, name := range []string{"Everyone", "Engineering", "Finance", "Vertrieb DACH", "On-call", "Okta Administrators", "営業部",
		"Contractors"} {
		w.groups = append(w.groups, party{ID: w.id("00g"), Type: "UserGroup", AlternateID: ptr("unknown"), DisplayName: ptr(name)})
	}
	for _, name := range []string{"Default Policy", "Any two factors", "Admin Console", "Legacy sign-on"} {
		w.policies = append(w.policies, party{ID: w.id("00p"), Type: "PolicyEntity", AlternateID: ptr("unknown"), DisplayName: ptr(name),
			DetailEntry: map[string]any{"policyType": "OktaSignOn"}})
	}
	for _, name := range []string{"BlockedIpZone", "Offices", "LegacyIpZone"} {
		w.zones = append(w.zones, party{ID: w.id("nzo"), Type: "Zone", AlternateID: ptr("unknown"), DisplayName: ptr(name)})
	}
	w.services = []party{
		{ID: w.id("0oa"), Type: "PublicClientApp", AlternateID: ptr("unknown"), DisplayName: ptr("Terraform")},
		{ID: w.id("0oa"), Type: "PublicClientApp", AlternateID: ptr("unknown"), DisplayName: ptr("HR sync")},
	}
	for i := range 3 * len(people) {
		w.users = append(w.users, w.newUser(i))
	}
	return w
}

func (w *world) drawNode() {
	for i := range w.node {
		w.node[i] = byte(w.rng.Uint32())
	}
	w.node[0] |= 1 // multicast bit: not a hardware address (RFC 9562, section 6.10)
}

func (w *world) newUser(i int) user {
	name := people[i%len(people)]
	login := fmt.Sprintf("%s%d@acme.example", asciiLogin(name), i)
	a := w.rng.IntN(len(agents))
	u := user{
		party:   party{ID: w.id("00u"), Type: "User", AlternateID: ptr(login), DisplayName: ptr(name)},
		place:   networks[w.rng.IntN(len(networks)-1)], // all but the proxy
		agent:   agents[a],
		kind:    []string{"Computer", "Computer", "Computer", "Mobile"}[a],
		session: w.sessionID(),
		admin:   i%12 == 0,
	}
	u.ip = w.address(u.place)
	if w.chance(0.3) {
		u.device = &device{
			ID: w.id("guo"), Name: fmt.Sprintf("ACME-%s-%03d", platforms[a], i), OSPlatform: platforms[a],
			OSVersion: fmt.Sprintf("%d.%d.%d", 10+a, w.rng.IntN(7), w.rng.IntN(10)),
			Managed:   w.chance(0.7), Registered: true, DiskEncryptionType: "ALL_INTERNAL_VOLUMES", ScreenLockType: "BIOMETRIC",
			SecureHardwarePresent: true,
		}
		if a == 3 {
			u.device.Jailbreak = ptr(false)
		}
	}
	return u
}

// asciiLogin makes a login of a name: its letters a to z, or "user".
func asciiLogin(name string) string {
	login := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(name))
	if login == "" {
		return "user"
	}
	return login
}

func (w *world) chance(p float64) bool { return w.rng.Float64() < p }

func pick[T any](w *world, from []T) T { return from[w.rng.IntN(len(from))] }

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (w *world) letters(n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[w.rng.IntN(len(alphabet))]
	}
	return string(b)
}

// id is an Okta object id: 20 characters of which the first three tell the kind.
func (w *world) id(prefix string) string { return prefix + w.letters(17, base62) }

func (w *world) sessionID() string { return "102" + w.letters(22, base62+"-_") }

// requestID is the id of a WEB transaction, and of the request behind it.
func (w *world) requestID() string { return w.letters(24, base62+"@-") + "AAA" }

func (w *world) hex(n int) string { return w.letters(n, "0123456789abcdef") }

func (w *world) address(n network) string {
	if strings.Contains(n.prefix, ":") {
		return fmt.Sprintf("%s::%x", n.prefix, 1+w.rng.IntN(0xfffe))
	}
	return fmt.Sprintf("%s.%d", n.prefix, 1+w.rng.IntN(254))
}

// uuid is a version 1 UUID whose time is published, as most uuids in the log
// are. The serial number stands in for the 100 ns ticks within the millisecond,
// and beyond 10,000 for the clock sequence: no two are equal.
func (w *world) uuid(published time.Time) string {
	const gregorian = 0x01b21dd213814000 // 100 ns ticks from 1582-10-15 to 1970-01-01 (RFC 9562, section 5.1)
	ticks := uint64(published.UnixMilli())*10_000 + gregorian + w.serial%10_000
	clock := uint16(w.serial/10_000) & 0x3fff
	w.serial++
	var id uuid.UUID
	binary.BigEndian.PutUint32(id[0:], uint32(ticks))
	binary.BigEndian.PutUint16(id[4:], uint16(ticks>>32))
	binary.BigEndian.PutUint16(id[6:], uint16(ticks>>48)&0x0fff|1<<12)
	binary.BigEndian.PutUint16(id[8:], clock|1<<15)
	copy(id[10:], w.node[:])
	return id.String()
}

func (n network) geography() *geography {
	g := &geography{Country: ptr(n.country), Location: &point{n.lat, n.lon}}
	if n.city != "" {
		g.City, g.State, g.PostalCode = ptr(n.city), ptr(n.state), ptr(n.postal)
	}
	return g
}

func (n network) security() *securityContext {
	return &securityContext{ASNumber: ptr(n.asn), ASOrg: ptr(n.asOrg), ISP: ptr(n.isp), Domain: ptr(n.domain), IsProxy: ptr(n.proxy)}
}
