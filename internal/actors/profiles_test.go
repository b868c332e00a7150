package actors

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi/management"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// The first event of a user goes on without a profile, and has Okta asked; later ones have it, and Okta is not asked again.
func TestAUsersSecondEventHasTheProfile(t *testing.T) {
	work(t, smallOrg(), nil, func(o *office) {
		require.Empty(o, o.profile("00uMara"))
		o.Pass(time.Second)
		for range 100 {
			require.Equal(o, "Finance,Accountant", o.profile("00uMara"))
		}
		require.Equal(o, 1, o.count("/api/v1/users/"))
		require.Zero(o, o.count("/api/v1/groups"), "none are wanted")
	})
}

// What Okta does not tell is absent, and Okta is not asked about it all the time; nor about who is no user.
func TestWhatIsNotThereIsAbsent(t *testing.T) {
	for id, asked := range map[string]int{"00uNone": 1, "00uDeleted": 1, "": 0, "../logs": 0, strings.Repeat("x", 65): 0} {
		t.Run(id, func(t *testing.T) {
			work(t, smallOrg(), nil, func(o *office) {
				for range 100 {
					require.Empty(o, o.profile(id))
					o.Pass(5 * time.Minute)
				}
				require.Equal(o, asked, o.count("/"))
				_, err := o.Told.Last()
				require.NoError(o, err)
			})
		})
	}
	work(t, smallOrg(), nil, func(o *office) {
		for _, kind := range []string{"SystemPrincipal", "PublicClientApp", "AppInstance", ""} {
			o.see(eventAt(o, time.Now(), "user.session.start", kind+" 00uMara"))
		}
		o.Pass(time.Minute)
		require.Zero(o, o.count("/"))
	})
}

// Where an id stands, Okta takes logins and parts of them as well: what it says then is of somebody else.
func TestAnAnswerOfSomebodyElseIsNotUsed(t *testing.T) {
	for name, answer := range map[string]string{
		"a login":         `{"id":"00uMara","profile":{"login":"unknown@acme.example","department":"Finance"}}`,
		"without an id":   `{"profile":{"department":"Finance"}}`,
		"of another type": `{"id":7,"profile":{"department":"Finance"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			work(t, smallOrg(), nil, func(o *office) {
				o.Org.Set(func(org *oktasim.Org) {
					org.Roles.Intercept = func(int, *http.Request) http.Handler { return body(answer) }
				})
				for range 10 {
					require.Empty(o, o.profile("unknown"))
					o.Pass(time.Second)
				}
				require.Equal(o, 1, o.count("/users/"))
			})
		})
	}
}

// Values are text, whatever Okta has, and bounded.
func TestValuesAreText(t *testing.T) {
	long := strings.Repeat("é", 200)
	for value, want := range map[any]string{
		"Finance":                    "Finance",
		"":                           "",
		" a,b\n":                     " a,b\n",
		7:                            "7",
		1e21:                         "1e+21",
		true:                         "true",
		false:                        "false",
		nil:                          "",
		long:                         long[:256],
		[2]any{"a", "b"}:             "a,b",
		[3]any{"a", nil, 7}:          "a,7",
		[1]any{[1]any{"nested"}}:     "",
		struct{ A string }{"b"}:      "",
		[1]any{struct{ A int }{1}}:   "",
		[2]any{long, "b"}:            long[:256],
		"<b> & \"quoted\" \\ \u2028": "<b> & \"quoted\" \\ \u2028",
	} {
		t.Run(fmt.Sprint(value), func(t *testing.T) {
			work(t, smallOrg(), nil, func(o *office) {
				o.setDepartment(value)
				o.profile("00uMara")
				o.Pass(time.Second)
				if want == "" {
					require.Empty(o, o.profile("00uMara"))
				} else {
					require.Equal(o, want+",", o.profile("00uMara"))
				}
			})
		})
	}
}

// After an event that changes a user, the next one has Okta asked, and once more when Okta is certain to know.
func TestAChangeIsAskedForAtTheNextEvent(t *testing.T) {
	for _, kind := range ofUsers {
		t.Run(kind, func(t *testing.T) {
			work(t, smallOrg(), nil, func(o *office) {
				o.profile("00uMara")
				o.Pass(time.Second)
				o.see(eventAt(o, time.Now(), kind, "System root", "User 00uMara"))
				o.profile("00uMara")
				o.Pass(time.Second) // Okta's answer trails
				o.setDepartment("Sales")
				o.Pass(management.CertainAfter)
				o.profile("00uMara")
				o.Pass(time.Second)
				require.Equal(o, "Sales,", o.profile("00uMara"))
				o.Pass(time.Hour)
				o.profile("00uMara")
				o.Pass(time.Second)
				asked := 3
				if strings.Contains(kind, ".delete.") {
					asked = 2 // Okta knows no more at first
				}
				require.Equal(o, asked, o.count("/api/v1/users/"))
			})
		})
	}
}

// A deleted user has no profile from the next event on.
func TestADeletedUserHasNoProfile(t *testing.T) {
	work(t, smallOrg(), nil, func(o *office) {
		o.profile("00uMara")
		o.Pass(time.Second)
		o.happens("user.lifecycle.delete.completed", "User 00uMara")
		require.Empty(o, o.profile("00uMara"))
		o.Pass(time.Second)
		require.Empty(o, o.profile("00uMara"))
	})
}

// A change while Okta is asked about the user is not lost.
func TestAChangeWhileOktaIsAsked(t *testing.T) {
	work(t, smallOrg(), nil, func(o *office) {
		o.Org.Set(func(org *oktasim.Org) {
			org.Roles.Intercept = func(n int, _ *http.Request) http.Handler {
				if n > 1 {
					return nil
				}
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // the answer is of before
					time.Sleep(2 * time.Second)
					w.Header().Set("X-Okta-Request-Id", "req")
					fmt.Fprint(w, `{"id":"00uMara","profile":{"department":"Finance"}}`)
				})
			}
		})
		o.profile("00uMara")
		o.Pass(time.Second)
		o.setDepartment("Sales")
		o.see(eventAt(o, time.Now(), "user.account.update_profile", "System root", "User 00uMara"))
		o.Pass(2 * time.Second)
		_, err := o.Told.Last()
		require.NoError(o, err)
		require.Equal(o, "Finance,", o.profile("00uMara"), o.known.Status())
		o.Pass(management.CertainAfter)
		o.profile("00uMara")
		o.Pass(time.Second)
		require.Equal(o, "Sales,", o.profile("00uMara"))
	})
}

// Okta is asked again after half a day, when the user acts, and an old answer is not used for ever.
func TestAnOldProfile(t *testing.T) {
	work(t, smallOrg(), nil, func(o *office) {
		o.profile("00uMara")
		o.Pass(time.Second)
		o.answers(503, "/users/")
		o.Pass(fresh)
		require.Equal(o, "Finance,Accountant", o.profile("00uMara"), "it is asked for")
		o.Pass(fresh - time.Minute)
		require.Equal(o, "Finance,Accountant", o.profile("00uMara"))
		o.Pass(2 * time.Minute)
		require.Empty(o, o.profile("00uMara"))
		o.works()
		o.Pass(2 * retryAfter)
		o.profile("00uMara")
		o.Pass(time.Second)
		require.Equal(o, "Finance,Accountant", o.profile("00uMara"))
	})
}

// What goes wrong with all is told, until an answer comes; one user whom Okta does not tell of is nothing wrong.
func TestWhatIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		code  int
		part  string
		says  string
		after time.Duration
	}{
		"forbidden":     {403, "/users/", "403", 10 * time.Second},
		"no token":      {401, "/users/", "401", 10 * time.Second},
		"broken":        {500, "/users/", "500", 2 * time.Minute},
		"slow down":     {429, "/users/", "", 10 * time.Minute},
		"slow for ever": {429, "/users/", "", time.Hour},
		"one":           {403, "/users/00u1", "", time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			work(t, smallOrg(), nil, func(o *office) {
				o.answers(c.code, c.part)
				for end := time.Now().Add(c.after); time.Now().Before(end); {
					for i := range 10 {
						require.Empty(o, o.profile(fmt.Sprintf("00u%d", i)))
					}
					o.Pass(5 * time.Second)
				}
				scope, err := o.Told.Last()
				if name == "slow down" || name == "one" {
					require.NoError(o, err)
					return
				}
				require.ErrorContains(o, err, c.says)
				require.Equal(o, ScopeUsers, scope)
				o.answers(http.StatusTooManyRequests, c.part)
				o.Pass(10 * time.Minute)
				_, err = o.Told.Last()
				require.ErrorContains(o, err, c.says, "to slow down is no answer")
				o.works()
				o.Pass(10 * time.Minute)
				_, err = o.Told.Last()
				require.NoError(o, err)
			})
		})
	}
}

// Which attributes no profile had is known, from the first profile on.
func TestAttributesOfNoProfile(t *testing.T) {
	work(t, smallOrg(), nil, func(o *office) {
		unseen := func() []string { return o.known.Status().Unseen }
		o.Org.Set(func(org *oktasim.Org) { org.Roles.Intercept = hides(http.StatusForbidden, "00uHidden") })
		o.profile("00uHidden")
		require.Nil(o, unseen(), "nobody was asked about yet")
		o.Pass(time.Second)
		require.Nil(o, unseen(), "Okta refused")
		o.profile("00uNone")
		o.Pass(time.Second)
		require.Equal(o, []string{"department", "title"}, unseen())
		o.setDepartment("Finance")
		o.profile("00uMara")
		o.Pass(time.Second)
		require.Equal(o, []string{"title"}, unseen())
		o.setDepartment(nil)
		o.Pass(fresh)
		o.profile("00uMara")
		o.Pass(time.Second)
		require.Equal(o, []string{"title"}, unseen(), "somebody had it")
		o.Org.Set(func(org *oktasim.Org) { org.Roles.Profiles["00uNone"] = map[string]any{"title": "Accountant"} })
		o.profile("00uNone")
		o.Pass(time.Second)
		require.Empty(o, unseen())
	})
}

// After all was forgotten, what was asked for before is not taken.
func TestForgetKeepsNothing(t *testing.T) {
	work(t, smallOrg(), []string{"VIP"}, func(o *office) {
		o.profile("00uMara")
		o.Pass(time.Second)
		require.Equal(o, "VIP", o.groups("00uMara"))
		o.Stop()
		o.known.Forget()
		require.Empty(o, o.profile("00uMara"))
		require.Empty(o, o.groups("00uMara"))
		require.Equal(o, Status{Waiting: 1}, o.known.Status())
		o.Start()
		o.Pass(time.Second)
		require.Equal(o, "Finance,Accountant", o.profile("00uMara"))
	})
}

// Events older than five minutes say of when what is known is.
func TestLateEventsSayOfWhenItIs(t *testing.T) {
	work(t, smallOrg(), []string{"VIP"}, func(o *office) {
		o.profile("00uMara")
		o.Pass(time.Second)
		for age, dated := range map[time.Duration]bool{0: false, 4 * time.Minute: false, time.Hour: true} {
			require.Equal(o, dated, !o.see(eventAt(o, time.Now().Add(-age), "user.session.start", "User 00uMara")).Time.IsZero())
		}
		require.Zero(o, o.see(eventAt(o, time.Now().Add(-time.Hour), "user.session.start", "User 00uNew")).Time)
	})
}
