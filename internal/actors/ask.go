package actors

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
	"unique"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

// The scopes that the requests need. Source: Okta's OpenAPI document, 2026.06.3.
const (
	ScopeUsers  = "okta.users.read"      // profiles
	ScopeGroups = management.ScopeGroups // groups by name, and who their members are
)

// Scopes are the scopes of a service app's access token by default.
func Scopes(profile, groups []string) (all []string) {
	if len(groups) > 0 {
		all = append(all, ScopeGroups)
	}
	if len(profile) > 0 {
		all = append(all, ScopeUsers)
	}
	return all
}

// maxValue bounds a value, in bytes: what is longer is cut, as ten of them are in each entry, and Loki takes 64 KB of metadata.
const maxValue = 256

// Ask is how Okta is asked about one org.
type Ask struct{ *management.Client }

// NewAsk returns an Ask with the org, credentials and connection of cfg; see [management.New].
func NewAsk(cfg oktaapi.Config, budget func(bucket string) *oktaapi.Budget) *Ask {
	return &Ask{management.New(cfg, budget)}
}

// profile asks for attributes of a user's profile; nil: it has none of them, or Okta does not know the user. Where an id stands, Okta takes
// a login, the part before its @, or "me", too: what it says of another id is not about the user, such as the actor "unknown" of a sign-in.
func (a *Ask) profile(ctx context.Context, id string, attributes []string) ([]string, error) {
	var answer struct {
		ID      string                     `json:"id"`
		Profile map[string]json.RawMessage `json:"profile"`
	}
	_, _, err := a.GetObject(ctx, management.Users, a.URL(nil, "api/v1/users", id), "id", &answer)
	if management.StatusOf(err) == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if answer.ID != id {
		return nil, nil
	}
	values, some := make([]string, len(attributes)), false
	for i, name := range attributes {
		values[i] = unique.Make(textOf(answer.Profile[name])).Value() // which many users have, and is in memory once
		some = some || values[i] != ""
	}
	if !some {
		return nil, nil
	}
	return values, nil
}

// users are the ids and profiles of the first users that Okta lists, at most limit, of which Okta allows 200. Source: Okta's OpenAPI
// document, 2026.06.3, listUsers.
func (a *Ask) users(ctx context.Context, limit int) (ids []string, profiles []map[string]json.RawMessage, err error) {
	var page []struct {
		ID      string                     `json:"id"`
		Profile map[string]json.RawMessage `json:"profile"`
	}
	at := a.URL(url.Values{"limit": {strconv.Itoa(limit)}}, "api/v1/users")
	if _, _, err = a.Get(ctx, management.Users, at, &page); err != nil {
		return nil, nil, fmt.Errorf("users: %w", err)
	}
	for _, u := range page {
		if management.IsID(u.ID) {
			ids, profiles = append(ids, u.ID), append(profiles, u.Profile)
		}
	}
	return ids, profiles, nil
}

// textOf is a value of a profile as text: a string, a number, true or false, or a list of them joined by commas; "": nothing, or an object.
func textOf(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return ""
	}
	var list []json.RawMessage
	switch raw[0] {
	case 'n', '{':
		return ""
	case '[':
		_ = json.Unmarshal(raw, &list) // it is valid JSON, as the answer was
	case '"':
		var text string
		_ = json.Unmarshal(raw, &text)
		return cut(text)
	default:
		return cut(string(raw))
	}
	var texts []string
	for _, element := range list {
		if element = bytes.TrimSpace(element); element[0] == '[' {
			continue
		}
		if text := textOf(element); text != "" {
			texts = append(texts, text)
		}
	}
	return cut(strings.Join(texts, ","))
}

// cut ends a text that is too long, between two characters.
func cut(text string) string {
	if len(text) <= maxValue {
		return text
	}
	end := maxValue
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// named are the ids of the groups of exactly that name, of which there may be several: one of Okta's, and others of directories. If
// there are none, other is a name that differs in case only, of which the search takes no account [assumed].
func (a *Ask) named(ctx context.Context, name string) (ids []string, other string, err error) {
	var page []struct {
		ID      string `json:"id"`
		Profile struct {
			Name string `json:"name"`
		} `json:"profile"`
	}
	at := a.URL(url.Values{"search": {"profile.name eq " + quoted(name)}}, "api/v1/groups")
	if _, _, err = a.Get(ctx, management.Groups, at, &page); err != nil {
		return nil, "", err
	}
	for _, g := range page {
		switch {
		case g.Profile.Name == name && management.IsID(g.ID):
			ids = append(ids, g.ID)
		case strings.EqualFold(g.Profile.Name, name):
			other = g.Profile.Name
		}
	}
	return ids, other, nil
}

// quoted is a text as a value in Okta's searches. Only quotes and backslashes are escaped: that Okta knows JSON's other escapes, as
// encoders write them for the ampersand in R&D, is not known.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
