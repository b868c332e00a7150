// Package management asks Okta's management API about one org, beside its log: what there is to know of users, groups and roles. Its
// requests use other rate limits than the System Log's, each with a budget of its own that learns from its own headers.
package management

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"time"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
)

// Share is the part of a bucket that is used at most. The smallest buckets, those of a free org, have 100 requests a minute, and 25 for
// /oauth2/v1/clients. A Workforce org has 1,200 (/api/v1), 600 (/api/v1/users), 500 (/api/v1/groups) and 100. None of them is the System
// Log's. Source: Okta, "Management rate limits", as of 2025-11, before the table moved into the org's own rate limit dashboard.
const Share = 0.25

// Bucket is one of Okta's rate limits, each for some paths.
type Bucket uint8

// The buckets.
const (
	API     Bucket = iota // most of /api/v1
	Users                 // /api/v1/users/{id}
	Groups                // /api/v1/groups
	Clients               // /oauth2/v1/clients
	buckets
)

// names are those of the budgets that all clients of an org share.
var names = [buckets]string{"api", "users", "groups", "clients"}

// Client asks Okta about one org. It is safe for concurrent use.
type Client struct {
	org *url.URL
	by  [buckets]fetcher
}

type fetcher interface {
	Fetch(ctx context.Context, cur oktaapi.Cursor) (oktaapi.Page, error)
}

// New returns a client with the org, credentials and connection of cfg, whose budget and share it does not use. budget returns the budget
// of a bucket of the org, which all clients share.
func New(cfg oktaapi.Config, budget func(bucket string) *oktaapi.Budget) *Client {
	c := &Client{org: cfg.Org}
	cfg.Share, cfg.Slots, cfg.Objects = Share, nil, true
	for b := range c.by {
		cfg.Budget = budget(names[b])
		c.by[b] = oktaapi.New(cfg)
	}
	return c
}

// ErrUnreadable is the cause of an answer that is not what was asked for.
var ErrUnreadable = errors.New("the answer cannot be read")

// Get decodes one page of a list. It returns the address of the next one, "" after the last, and Okta's time when it answered. An error is
// the context's, or an [*oktaapi.Error].
func (c *Client) Get(ctx context.Context, b Bucket, at string, into any) (next string, date time.Time, err error) {
	return c.GetObject(ctx, b, at, "", into)
}

// GetObject is Get for an object, which a member tells from what something else may answer; "": for a list.
func (c *Client) GetObject(ctx context.Context, b Bucket, at, member string, into any) (next string, date time.Time, err error) {
	page, err := c.by[b].Fetch(ctx, oktaapi.Cursor(at))
	if err != nil {
		return "", time.Time{}, err
	}
	defer page.Release()
	failed := &oktaapi.Error{Status: http.StatusOK, RequestID: page.RequestID}
	switch err := json.Unmarshal(page.Body, into); {
	case !isOf(page.Body, member):
		failed.Foreign, failed.Host = page.RequestID == "", c.org.Host
		failed.Err = fmt.Errorf("%w: it is not what was asked for", ErrUnreadable)
	case err != nil:
		failed.Err = fmt.Errorf("%w: %w", ErrUnreadable, err)
	case page.NextErr != nil:
		failed.Err = page.NextErr
	default:
		return string(page.Next), page.Date, nil
	}
	return "", time.Time{}, failed
}

// isOf reports whether a body is an object with a member, as far as it can be read, or with "" a list.
func isOf(body []byte, member string) bool {
	body = bytes.TrimSpace(body)
	if member == "" {
		return bytes.HasPrefix(body, []byte("["))
	}
	var object map[string]json.RawMessage
	err := json.Unmarshal(body, &object)
	return object[member] != nil || err != nil && bytes.HasPrefix(body, []byte("{"))
}

// URL is the address of a path, whose elements are not escaped: an id is one that [IsID] allows.
func (c *Client) URL(query url.Values, elements ...string) string {
	u := *c.org
	u.Path, u.RawQuery = "/"+path.Join(elements...), query.Encode()
	return u.String()
}

// Members reads a page of a group's members; at is "" for the first.
func (c *Client) Members(ctx context.Context, group, at string) (ids []string, next string, date time.Time, err error) {
	if at == "" {
		at = c.URL(url.Values{"limit": {"1000"}}, "api/v1/groups", group, "users") // Okta's default, and the most
	}
	var page []struct {
		ID string `json:"id"`
	}
	next, date, err = c.Get(ctx, Groups, at, &page)
	for _, u := range page {
		ids = append(ids, u.ID)
	}
	return ids, next, date, err
}

// StatusOf is the HTTP status with which Okta refused; 0: it did not, or something else answered.
func StatusOf(err error) int {
	if e, ok := errors.AsType[*oktaapi.Error](err); ok && !e.Foreign {
		return e.Status
	}
	return 0
}

// IsRefused reports whether it is of no use to ask once more soon.
func IsRefused(err error) bool {
	class := oktaapi.ClassOf(err)
	return err != nil && (class == oktaapi.Refused || class == oktaapi.CursorRefused)
}

// OfOne reports whether a request may have failed for the user, group or client that it asks about, and not for the credentials, the way to
// Okta, or the rate limit.
func OfOne(err error) bool {
	if _, noToken := errors.AsType[*auth.Error](err); noToken {
		return false
	}
	e, ok := errors.AsType[*oktaapi.Error](err)
	return ok && e.Class != oktaapi.RateLimited && e.Status != http.StatusUnauthorized && !e.Foreign
}

// Few is how many users, groups or clients in a row have to fail before all are taken to fail.
const Few = 3

// OfAFew asks about one after the other until one is answered, an error is not of one only, or [Few] failed. It returns the last error.
func OfAFew(ids []string, ask func(id string) error) (err error) {
	ids = slices.DeleteFunc(ids, func(id string) bool { return !IsID(id) })
	for _, id := range ids[:min(Few, len(ids))] {
		if err = ask(id); err == nil || !OfOne(err) {
			break
		}
	}
	return err
}

// maxID bounds an id, in bytes: Okta's have 20.
const maxID = 64

// IsID reports whether a text may be part of a path.
func IsID(id string) bool {
	for i := range len(id) {
		switch c := id[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '-', c == '_':
		default:
			return false
		}
	}
	return id != "" && len(id) <= maxID
}
