package actors

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// A trouble that has passed is over, also when nobody acts any more.
func TestATroubleIsOverWithoutAnotherEvent(t *testing.T) {
	for _, code := range []int{400, 401, 403, 429, 500, 503} {
		work(t, smallOrg(), nil, func(o *office) {
			o.answers(code, "/users")
			o.profile("00uMara")
			o.Pass(10 * time.Second)
			o.works()
			o.Pass(10 * time.Minute)
			_, err := o.Told.Last()
			require.NoError(o, err, code)
			require.Equal(o, "Finance,Accountant", o.profile("00uMara"), code)
		})
	}
}

// A trouble of before a reload is over when the next keeper gets an answer.
func TestATroubleIsOverAfterAReload(t *testing.T) {
	for _, code := range []int{401, 403} {
		work(t, smallOrg(), nil, func(o *office) {
			o.answers(code, "/users")
			for _, id := range []string{"00uA", "00uB", "00uC", "00uMara"} {
				o.profile(id)
			}
			o.Pass(10 * time.Second)
			_, err := o.Told.Last()
			require.Error(o, err)
			o.Stop()
			o.works()
			o.Start()
			o.profile("00uMara")
			o.Pass(10 * time.Minute)
			_, err = o.Told.Last()
			require.NoError(o, err, code)
		})
	}
}

// That a role hides all of whom Okta told before is no trouble while it tells of others.
func TestAllWhomOktaToldOfAreHidden(t *testing.T) {
	org := smallOrg()
	for _, id := range []string{"00uSue", "00uTom", "00uUma"} {
		org.Roles.Profiles[id] = map[string]any{"department": "Sales"}
	}
	work(t, org, nil, func(o *office) {
		ids := []string{"00uSue", "00uTom", "00uUma"}
		for _, id := range ids {
			o.profile(id)
			o.Pass(time.Second)
		}
		o.Org.Set(func(org *oktasim.Org) { org.Roles.Intercept = hides(http.StatusForbidden, append(ids, "00uNew")...) })
		o.profile("00uNew")
		o.Pass(10 * time.Second)
		require.Zero(o, o.Told.Times())
	})
}

// When also those whom Okta lists first are hidden, that is told, and ends when the next one in line is told of.
func TestAHiddenUserHoldsUpNobody(t *testing.T) {
	org := smallOrg()
	hidden := []string{"00uA", "00uB", "00uC"}
	for _, id := range hidden {
		org.Roles.Profiles[id] = map[string]any{"department": "Sales"}
	}
	org.Roles.Intercept = hides(http.StatusForbidden, hidden...)
	work(t, org, nil, func(o *office) {
		o.profile("00uA")
		o.profile("00uMara")
		o.Pass(5 * time.Minute)
		require.Equal(o, "Finance,Accountant", o.profile("00uMara"))
		_, err := o.Told.Last()
		require.NoError(o, err)
	})
}
