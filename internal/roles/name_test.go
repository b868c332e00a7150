package roles

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

func TestNames(t *testing.T) {
	for _, c := range []struct{ kind, label, want string }{
		{"SUPER_ADMIN", "Super Administrator", "SUPER_ADMIN"},
		{"WORKFLOWS_ADMIN", "anything", "WORKFLOWS_ADMIN"},
		{"NEW_ADMIN", "a type that Okta adds", "NEW_ADMIN"},
		{"CUSTOM", "UserCreatorRole", "CUSTOM_USERCREATORROLE"},
		{"CUSTOM", "Help desk, EMEA (night)", "CUSTOM_HELP_DESK_EMEA_NIGHT"},
		{"CUSTOM", "Super administrator", "CUSTOM_SUPER_ADMINISTRATOR"},
		{"CUSTOM", "営業 管理者", "CUSTOM_営業_管理者"},
		{"CUSTOM", " -- ", "CUSTOM"},
		{"", "Super administrator", "SUPER_ADMIN"},
		{"", "Super Administrator", "SUPER_ADMIN"},
		{"", "Application administrator (all)", "APP_ADMIN"},
		{"", "Read only administrator", "READ_ONLY_ADMIN"},
		{"", "Help Desk", "CUSTOM_HELP_DESK"},
		{"", "Super", "CUSTOM_SUPER"},
		{"", "Read-only", "CUSTOM_READ_ONLY"},
		{"", "Workflows", "CUSTOM_WORKFLOWS"},
		{"", "administrator", "CUSTOM_ADMINISTRATOR"},
		{"", "Help  Desk Administrator (EMEA)", "HELP_DESK_ADMIN"},
		{"", "Superadministrator", "CUSTOM_SUPERADMINISTRATOR"},
		{"", "Night shift", "CUSTOM_NIGHT_SHIFT"},
		{"", "a\",\n{b=\"c", "CUSTOM_A_B_C"},
	} {
		require.Equal(t, c.want, nameOf(c.kind, c.label), c)
	}
	for role := range standard {
		require.Equal(t, standard[role], nameOf("", role+" administrator"))
	}
	for _, role := range standard { // as a simulated org spells them
		require.Equal(t, role, nameOf("", oktasim.RoleLabel(role)))
	}
}

func TestWhatAnEventGrants(t *testing.T) {
	for list, want := range map[string][]string{
		"": nil, " , ": nil,
		"Super administrator": {"SUPER_ADMIN"},
		"Organization administrator, Application administrator (all), Night shift": {"APP_ADMIN", "CUSTOM_NIGHT_SHIFT", "ORG_ADMIN"},
		"Super administrator,Super administrator":                                  {"SUPER_ADMIN"},
	} {
		require.Equal(t, want, granted(list), list)
	}
}
