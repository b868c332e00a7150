//go:build install

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/testbed"
)

// These tests install what `make dist` makes, of the binary under test. They need root, podman with runc, rpm and mmdebstrap: `make
// install-test` installs them. Their build tag keeps them out of `make test`.

// sh runs a shell script and returns what it printed.
func sh(t *testing.T, script string) string {
	t.Helper()
	output, err := exec.Command("bash", "-euo", "pipefail", "-c", script).CombinedOutput()
	require.NoErrorf(t, err, "%s\n%s", script, output)
	return string(output)
}

// packages makes the release files of a version, for this machine's architecture, and returns their folder.
func packages(t *testing.T, version string) string {
	t.Helper()
	bin, out := t.TempDir(), t.TempDir()
	sh(t, "cp "+program(t, "alloy-okta")+" "+filepath.Join(bin, "alloy-okta-linux-amd64"))
	sh(t, fmt.Sprintf("go -C ../tools/dist run . -version %s -time 1700000000 -arch amd64 -bin %s -out %s", version, bin, out))
	return out
}

const podman = "podman --cgroup-manager cgroupfs --runtime runc --storage-driver vfs --root $ROOT --runroot $ROOT/run "

// container runs the image read-only and with a volume, as its own user, and returns a function that runs podman commands.
func container(t *testing.T) func(command string) string {
	t.Helper()
	root, err := os.MkdirTemp("", "pod") // podman refuses a --runroot of more than 50 characters
	require.NoError(t, err)
	run := func(command string) string {
		t.Helper()
		return strings.TrimSpace(sh(t, "export ROOT="+root+"\n"+podman+command))
	}
	t.Cleanup(func() {
		run("rm --all --force")
		require.NoError(t, os.RemoveAll(root))
	})
	run("load -i " + packages(t, "v1.2.3") + "/alloy-okta-1.2.3-image.tar")
	return run
}

func TestInstalledImageSurvivesAKill(t *testing.T) {
	loki, okta := startLoki(t), startOrg(t, "--backlog=200", "--backlog-span=30m", "--rate=0/s")
	podman := container(t)
	addr, err := testbed.FreeAddr()
	require.NoError(t, err)
	start := func() {
		podman("run --detach --replace --name alloy --pull never --read-only --network host --ulimit nofile=20000:20000 --ulimit nproc=1000:1000 " +
			"--volume state:/var/lib/alloy-okta --env POLL_INTERVAL=1s --env OKTA_URL=" + okta.url + " --env API_KEY=" + token + " --env LOKI_URL=" + loki.URL() +
			" localhost/alloy-okta:1.2.3 run --storage.path=/var/lib/alloy-okta --server.http.listen-addr=" + addr + " /etc/alloy-okta")
	}
	start()
	records := okta.records(t, 200)
	waitForCount(t, loki.Reader(), selector, records, 100, time.Minute)
	require.Contains(t, podman("top alloy user"), "alloy-okta")
	podman("kill --signal KILL alloy")
	okta.generate(t, 50)
	start()
	records = okta.records(t, 250)
	waitForCount(t, loki.Reader(), selector, records, 250, time.Minute)
	podman("stop alloy")
	requireExactlyOnce(t, loki.Reader(), selector, records)
}

// A file mounted where logzio/logzio-okta wants it, and nothing else of the environment.
func TestInstalledImageReadsMountedTenants(t *testing.T) {
	okta := startOrg(t, "--backlog=20", "--backlog-span=30m", "--rate=0/s")
	podman := container(t)
	_, file, _ := strings.Cut(tenantsFile(t)(okta)[0], "=")
	require.NoError(t, os.Chmod(file, 0o644))
	for i, folder := range []string{"/usr/share/logstash", "/etc/alloy-okta"} {
		name := fmt.Sprintf("alloy%d", i)
		podman("run --detach --name " + name + " --pull never --read-only --network host --ulimit nofile=20000:20000 --ulimit nproc=1000:1000 " +
			"--volume " + file + ":" + folder + "/tenants-credentials.yml localhost/alloy-okta:1.2.3")
		require.Eventually(t, func() bool { return strings.Count(podman("logs "+name), `{"event":`) == 20 }, time.Minute, time.Second)
		podman("rm --force " + name)
	}
}

// debian unpacks a clean Debian and returns a function that runs a script in it.
func debian(t *testing.T) (root string, in func(script string) string) {
	t.Helper()
	root = t.TempDir()
	tarball := filepath.Join(os.TempDir(), "alloy-okta-debian.tar") // kept: it takes a minute
	if _, err := os.Stat(tarball); err != nil {
		sh(t, "mmdebstrap --mode=root --variant=minbase bookworm "+tarball+" \"$(ls /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -1)\"")
	}
	sh(t, "tar -xpf "+tarball+" -C "+root)
	return root, func(script string) string {
		t.Helper()
		return sh(t, "chroot "+root+" bash -euo pipefail -c '"+script+"' < /dev/null")
	}
}

func TestInstalledDebKeepsWhatIsTheUsers(t *testing.T) {
	root, in := debian(t)
	for _, version := range []string{"1.2.3", "1.2.4"} {
		sh(t, "cp "+packages(t, "v"+version)+"/*.deb "+root+"/tmp")
	}
	exists := func(path string) bool {
		_, err := os.Lstat(root + path)
		return err == nil
	}
	require.Contains(t, in("dpkg -i /tmp/alloy-okta_1.2.3_amd64.deb"), "systemctl enable --now alloy-okta")
	require.Equal(t, "alloy-okta alloy-okta 750\n", in("stat -c \"%U %G %a\" /var/lib/alloy-okta"))
	require.Equal(t, "root root 600\nroot alloy-okta 640\nroot root 644\n",
		in("stat -c \"%U %G %a\" /etc/default/alloy-okta /etc/alloy-okta/tenants-credentials.yml /etc/alloy-okta/config.alloy"))
	require.Contains(t, in("getent passwd alloy-okta"), ":/var/lib/alloy-okta:/usr/sbin/nologin")
	require.Contains(t, in("alloy-okta --version"), "alloy-okta, version")
	require.Empty(t, in("dpkg --verify alloy-okta"), "every file has the checksum that the package names")

	// The service's own command line, as its user, over its own configuration.
	okta := startOrg(t, "--backlog=20", "--backlog-span=30m", "--rate=0/s")
	require.NoError(t, os.WriteFile(root+"/etc/default/alloy-okta", []byte("OKTA_URL="+okta.url+"\nOKTA_API_TOKEN="+token+"\nCONFIG_FILE=/etc/alloy-okta/config.alloy\n"), 0o600))
	addr, err := testbed.FreeAddr()
	require.NoError(t, err)
	output, _ := exec.Command("bash", "-c", "set -a; . "+root+"/etc/default/alloy-okta; timeout 20 chroot --userspec=alloy-okta "+root+
		" /usr/bin/alloy-okta run --server.http.listen-addr="+addr+" --storage.path=/var/lib/alloy-okta $CONFIG_FILE | head -20").Output()
	require.Equal(t, 20, strings.Count(string(output), `{"event":`))
	state := strings.TrimSpace(in("find /var/lib/alloy-okta -type f | head -1"))
	require.NotEmpty(t, state)

	in("echo \"// mine\" >> /etc/alloy-okta/config.alloy")
	in("dpkg -i --force-confold /tmp/alloy-okta_1.2.4_amd64.deb")
	require.Contains(t, in("dpkg -s alloy-okta"), "Version: 1.2.4")
	require.Contains(t, in("tail -1 /etc/alloy-okta/config.alloy"), "// mine")
	require.Contains(t, in("cat /etc/default/alloy-okta"), token)
	require.True(t, exists(state))

	in("dpkg --remove alloy-okta")
	require.False(t, exists("/usr/bin/alloy-okta"))
	require.False(t, exists("/usr/lib/systemd/system/alloy-okta.service"))
	require.True(t, exists("/etc/alloy-okta/config.alloy"))
	require.True(t, exists(state))

	in("dpkg --purge alloy-okta")
	for _, gone := range []string{"/etc/alloy-okta", "/etc/default/alloy-okta", "/var/lib/alloy-okta"} {
		require.False(t, exists(gone), gone)
	}
	require.NotContains(t, in("cat /etc/passwd /etc/group"), "alloy-okta")
}

// Debian's rpm can read and verify the package and install its files into a folder of its own, without scripts.
func TestInstalledRPMHasTheSameFiles(t *testing.T) {
	out, root := packages(t, "v1.2.3"), t.TempDir()
	file := out + "/alloy-okta-1.2.3-1.x86_64.rpm"
	config := sh(t, "rpm -qp --configfiles "+file)
	for _, name := range []string{"config.alloy", "pipelines/loki.alloy", "tenants-credentials.yml"} {
		require.Contains(t, config, "/etc/alloy-okta/"+name)
	}
	require.Contains(t, config, "/etc/default/alloy-okta")
	require.Contains(t, sh(t, "rpm -qp --requires "+file), "shadow-utils")
	require.Contains(t, sh(t, "rpm -qp --scripts "+file), "useradd --system")
	sh(t, "rpm --root "+root+" --initdb && rpm --root "+root+" --install --nodeps --noscripts "+file)
	require.FileExists(t, root+"/usr/lib/systemd/system/alloy-okta.service")
	require.Contains(t, sh(t, root+"/usr/bin/alloy-okta --version"), "alloy-okta, version")
	sh(t, "rpm --root "+root+" --verify --nodeps --noscripts --nouser --nogroup alloy-okta")
}
