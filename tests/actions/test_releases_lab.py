"""Rebuild and roll back of a service of a real host, driven as a person does."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests import console_process
from tests.lab import FreshHost, Host, Lab, releases
from tests.managers import pidfile_zoo

DOCUMENT = dict[str, object]


class Bench:
    """A host with a service that gets releases, and the command line."""

    def __init__(self, lab: Lab, host: Host, home: Path) -> None:
        self.lab, self.host, self.home = lab, host, home
        (home / "config.toml").write_text(releases.config())
        releases.repository(host)
        releases.install(host)

    def run(self, *words: str, user: str = "root") -> tuple[int, DOCUMENT, str]:
        options = ("-F", str(self.lab.ssh_config(user)), "--config", str(self.home / "config.toml"), "--json")
        done = console_process.run([*words, *options], {**os.environ, "HOME": str(self.home)}, timeout=120)
        assert done.stdout, done.stderr
        document: DOCUMENT = json.loads(done.stdout)
        return done.returncode, document, done.stderr

    def does(self, *words: str) -> DOCUMENT:
        """It goes well."""
        code, document, errors = self.run(*words, "--yes")
        assert (code, document["result"]) == (0, "done"), (document, errors)
        return document

    def refuses(self, *words: str) -> str:
        code, document, _ = self.run(*words, "--yes")
        assert (code, document["result"]) == (1, "refused"), document
        return str(document["reason"])

    def listed(self) -> tuple[dict[str, DOCUMENT], object]:
        _, document, _ = self.run("rollback", "rel1/api", "--list")
        found = document["releases"]
        assert isinstance(found, list)
        return {one["version"]: one for one in found}, document["rollback_to"]

    @property
    def live(self) -> str:
        return releases.version(self.host)

    def tree(self) -> str:
        return self.host.sh("readlink /srv/api/current; ls /srv/api/releases | grep -v history")


OWN_LOG = "/var/log/api/api.log"


@pytest.fixture
def bench(lab: Lab, fresh_host: FreshHost, tmp_path: Path) -> Bench:
    return Bench(lab, fresh_host("rel1"), tmp_path)


def test_releases_come_and_go(bench: Bench) -> None:
    releases.commit(bench.host, "v1.0.0")
    bench.does("rebuild", "rel1/api")
    releases.commit(bench.host, "v1.1.0")
    bench.does("rebuild", "rel1/api")
    assert bench.live == "v1.1.0"
    before = bench.tree()

    releases.commit(bench.host, "v1.2.0", ["unhealthy"])
    code, document, _ = bench.run("rebuild", "rel1/api", "--yes")
    assert (code, document["result"]) == (1, "undone")
    assert str(document["reason"]).startswith("/health answers 2xx failed")
    assert "Started api.service" in json.dumps(document["evidence"])
    assert bench.live == "v1.1.0"
    assert bench.tree().splitlines()[0] == before.splitlines()[0]
    found, way = bench.listed()
    assert (found["v1.2.0"]["healthy"], found["v1.1.0"]["live"], way) == (False, True, found["v1.0.0"]["id"])

    bench.does("rollback", "rel1/api")
    assert bench.live == "v1.0.0"
    bench.does("rollback", "rel1/api")
    assert bench.live == "v1.1.0"
    assert "runs" in bench.refuses("rollback", "rel1/api", "--to", "v1.1.0")
    assert "has no release v9" in bench.refuses("rollback", "rel1/api", "--to", "v9")
    assert len(bench.tree().splitlines()) == 1 + 3

    bench.host.sh("systemctl stop api.service")
    before = bench.tree()
    code, document, _ = bench.run("rollback", "rel1/api", "--to", "v1.2.0", "--yes")
    assert (code, document["result"]) == (1, "undone"), document
    assert "api.service is stopped, and is started by this" in json.dumps(document["warnings"])
    assert bench.host.sh("systemctl is-active api.service || true").strip() == "inactive"
    assert bench.tree() == before


def test_a_work_tree_is_built_for_one_service_at_a_time(bench: Bench) -> None:
    """Both would find the output of whoever was last in their release."""
    host = bench.host
    host.sh("install -d -o deploy -g deploy /srv/worker /srv/worker/releases")
    releases.install(host, "worker", 8081)
    second = releases.config("worker", 8081).partition("[actions]")[0].replace("/srv/worker/src", "/srv//api/src/")
    with (bench.home / "config.toml").open("a") as config:
        config.write(second)
    waits = "\nwait:\n\t@until [ -e /srv/api/go ]; do sleep 0.1; done\nbuild: wait\n"
    host.write("/srv/api/src/Makefile", releases.MAKEFILE.replace("\nbuild:\n", waits), owner="deploy:deploy")
    releases.commit(host, "v1.0.0")
    with ThreadPoolExecutor(1) as beside:
        first = beside.submit(bench.does, "rebuild", "rel1/api")
        try:
            host.wait("ls -d /srv/api/releases/*.partial", timeout=60)
            assert bench.refuses("rebuild", "rel1/worker").startswith("/srv/api/src: ")
        finally:
            host.sh("touch /srv/api/go")
        first.result()
    bench.does("rebuild", "rel1/worker")


def test_of_a_release_that_ignores_sigterm_it_is_told_how_it_ended(bench: Bench) -> None:
    """One that answers late holds its checks."""
    bench.host.sh(
        "sed -i 's/^ExecStart=/TimeoutStopSec=5\\n&/' /etc/systemd/system/api.service && systemctl daemon-reload"
    )
    releases.commit(bench.host, "v1.0.0", ["deaf"])
    bench.does("rebuild", "rel1/api")
    releases.commit(bench.host, "v1.1.0", ["slow"])
    killed = "api.service did not end in its time before (Result=timeout): systemd then sends SIGKILL"
    document = bench.does("rebuild", "rel1/api")
    assert killed in json.dumps(document["proof"]), document["proof"]
    assert "api.service ended in its time before" in json.dumps(bench.does("rollback", "rel1/api")["proof"])
    assert killed in json.dumps(bench.does("rollback", "rel1/api")["proof"])


def test_a_release_that_listens_no_more_is_taken_back_where_nothing_names_its_port(bench: Bench) -> None:
    config = bench.home / "config.toml"
    config.write_text("".join(line for line in releases.config().splitlines(True) if not line.startswith("health")))
    bench.host.sh("sed -i 's/ PORT=8080//' /etc/systemd/system/api.service && systemctl daemon-reload")
    releases.commit(bench.host, "v1.0.0")
    bench.does("rebuild", "rel1/api")
    bench.host.wait("ss -Hltn | grep 8080")
    bench.host.write("/srv/api/src/api.py", "import time\ntime.sleep(9999)\n", owner="deploy:deploy")
    releases.commit(bench.host, "v1.1.0")
    code, document, _ = bench.run("rebuild", "rel1/api", "--yes")
    assert (code, document["result"]) == (1, "undone"), document
    assert "listens on nothing any more (before: tcp 8080)" in str(document["reason"])
    assert (bench.live, bench.listed()[0]["v1.1.0"]["healthy"]) == ("v1.0.0", False)


def test_of_releases_those_that_failed_are_removed_first(bench: Bench) -> None:
    """Three are kept."""
    for version, faults in (("v1.0.0", ()), ("v1.1.0", ("unhealthy",)), ("v1.2.0", ())):
        releases.commit(bench.host, version, faults)
        assert bench.run("rebuild", "rel1/api", "--yes")[0] == bool(faults)
    releases.commit(bench.host, "v1.3.0")
    bench.does("rebuild", "rel1/api")
    assert present(bench) == {"v1.0.0", "v1.2.0", "v1.3.0"}
    bench.does("rebuild", "rel1/api")
    listed, back = bench.listed()
    assert back == listed["v1.2.0"]["id"], "the live one is of the commit of the one before it"


def test_failures_leave_no_more_releases_than_are_kept_and_none_that_was_well_goes_for_them(bench: Bench) -> None:
    for version in ("v1.0.0", "v1.1.0"):
        releases.commit(bench.host, version)
        bench.does("rebuild", "rel1/api")
    for version in ("v1.2.0", "v1.3.0"):
        releases.commit(bench.host, version, ["unhealthy"])
        code, document, _ = bench.run("rebuild", "rel1/api", "--yes")
        assert (code, document["result"]) == (1, "undone")
    assert present(bench) == {"v1.0.0", "v1.1.0", "v1.3.0"}, "the newest of those that failed is left, as evidence"
    assert bench.live == "v1.1.0"


def present(bench: Bench) -> set[str]:
    return {version for version, release in bench.listed()[0].items() if release["present"]}


def test_what_a_release_that_fails_wrote_into_its_own_log_is_kept(bench: Bench) -> None:
    (bench.home / "config.toml").write_text(releases.config(extra=f'logs = ["/var/log/api.log", "{OWN_LOG}"]\n'))
    telling = "[Service]\nExecStartPre=/bin/sh -c 'readlink /srv/api/current >>/var/log/api.log'\n"
    bench.host.write("/etc/systemd/system/api.service.d/log.conf", telling)
    bench.host.sh("install -o deploy /dev/null /var/log/api.log; systemctl daemon-reload")
    releases.commit(bench.host, "v1.0.0")
    first = bench.does("rebuild", "rel1/api")
    assert bench.host.read("/var/log/api.log").splitlines() == [bench.tree().splitlines()[0]], first
    releases.commit(bench.host, "v1.1.0", ["unhealthy"])
    code, document, _ = bench.run("rebuild", "rel1/api", "--yes")
    assert (code, document["result"]) == (1, "undone")
    evidence: Any = document["evidence"]
    written = bench.host.read("/var/log/api.log").splitlines()
    assert [one["output"].split() for one in evidence if " /var/log/api.log" in one["name"]] == [written[1:2]]
    (own,) = (one["output"].splitlines() for one in evidence if OWN_LOG in one["name"])
    asked = [line for line in own if '"/health"' in line]
    assert len(asked) == 1, "the requests of the health check are one line"
    assert "such lines]" in asked[0]
    assert [line for line in own if '"msg": "request"' not in line], "and what it said itself stands beside them"
    assert len(written) == 3, "the release of before, the one that failed, and that of before once more"


def test_nothing_is_touched_where_it_must_fail(bench: Bench) -> None:
    host = bench.host
    releases.commit(host, "v1.0.0")
    bench.does("rebuild", "rel1/api")
    before = bench.tree()

    host.write("/srv/api/src/half.py", "unfinished", owner="deploy:deploy")
    assert "differs from its commit: half.py" in bench.refuses("rebuild", "rel1/api")
    host.sh("rm /srv/api/src/half.py")

    releases.commit(host, "v1.1.0")
    host.sh("chown root /srv/api/releases")
    assert "deploy may not write to /srv/api" in bench.refuses("rebuild", "rel1/api")
    host.sh("chown deploy /srv/api/releases")

    host.write("/srv/api/src/Makefile", "build:\n\t@true\n", owner="deploy:deploy")
    releases.commit(host, "v1.1.1")
    code, document, _ = bench.run("rebuild", "rel1/api", "--yes")
    assert (code, document["result"]) == (1, "undone")
    told = "make build failed: make ended with exit 0, but changed nothing in build"
    assert told in str(document["reason"])
    host.write("/srv/api/src/Makefile", ".PHONY: build\nbuild:\n\t@echo broken >&2; exit 3\n", owner="deploy:deploy")
    releases.commit(host, "v1.2.0")
    code, document, _ = bench.run("rebuild", "rel1/api", "--yes")
    assert (code, document["result"]) == (1, "undone")
    assert "broken" in json.dumps(document["steps"])
    assert "Started" not in json.dumps(document["evidence"]), "of the service that runs and was not touched"
    assert bench.tree() == before
    assert bench.live == "v1.0.0"

    host.sh("rm -rf /srv/api/releases/*; mkdir -p /srv/api/releases/x")
    assert "no earlier release" in bench.refuses("rollback", "rel1/api")


def test_a_full_disk_is_found_before_anything_is_built(bench: Bench) -> None:
    """Row 41."""
    host = bench.host
    releases.commit(host, "v1.0.0")
    host.sh("mount -t tmpfs -o size=1m,mode=777 tmpfs /srv/api/releases")
    assert "MiB left, a release takes" in bench.refuses("rebuild", "rel1/api")
    host.sh("umount /srv/api/releases")


def test_a_disk_that_a_build_fills_leaves_the_old_release(bench: Bench) -> None:
    """Row 41: there was room when it was begun."""
    host = bench.host
    releases.commit(host, "v1.0.0")
    host.sh("mount -t tmpfs -o size=24m,mode=777 tmpfs /srv/api/releases")
    try:
        bench.does("rebuild", "rel1/api")
        before, run = bench.tree(), host.sh("systemctl show -p InvocationID api.service")
        makefile = ".PHONY: build\nbuild:\n\tmkdir -p build && head -c 40000000 /dev/zero >build/big\n"
        host.write("/srv/api/src/Makefile", makefile, owner="deploy:deploy")
        releases.commit(host, "v1.1.0")
        code, document, _ = bench.run("rebuild", "rel1/api", "--yes")
        assert (code, document["result"]) == (1, "undone"), document
        assert "No space left on device" in json.dumps(document["steps"])
        assert (bench.tree(), host.sh("systemctl show -p InvocationID api.service")) == (before, run)
        assert bench.live == "v1.0.0"
    finally:
        host.sh("systemctl stop api.service; umount /srv/api/releases")


def test_a_release_that_was_removed_is_not_gone_back_to(bench: Bench) -> None:
    """Row 43: told before, and also where it vanishes between the look and the plan."""
    host = bench.host
    for version in ("v1.0.0", "v1.1.0"):
        releases.commit(host, version)
        bench.does("rebuild", "rel1/api")
    found, _ = bench.listed()
    gone = found["v1.0.0"]["id"]
    before = bench.tree().splitlines()[0]
    host.sh(f"mv /srv/api/releases/{gone} /srv/api/kept")
    assert f"release {gone} of api.service was removed" in bench.refuses("rollback", "rel1/api", "--to", str(gone))
    host.sh(f"mv /srv/api/kept /srv/api/releases/{gone} && rm -rf /srv/api/releases/{gone}/*")
    assert f"release {gone} is empty" in bench.refuses("rollback", "rel1/api", "--to", str(gone))
    assert bench.tree().splitlines()[0] == before
    assert bench.live == "v1.1.0"


def test_what_another_release_would_change_is_told_before(bench: Bench) -> None:
    host = bench.host
    host.write(
        "/srv/api/src/Makefile", releases.MAKEFILE.replace("cp api.py", "cp -a api.py .env"), owner="deploy:deploy"
    )
    host.write("/srv/api/src/.env", "LOG=info\nDB_PASSWORD=hunter2\n", owner="deploy:deploy")
    releases.commit(host, "v1.0.0")
    bench.does("rebuild", "rel1/api")
    host.write("/srv/api/src/.env", "LOG=debug\nDB_PASSWORD=hunter3\n", owner="deploy:deploy")
    releases.commit(host, "v1.1.0")

    code, document, errors = bench.run("rebuild", "rel1/api", "--dry-run")
    assert code == 0, errors
    coming = difference(document)
    assert [word.partition(" ")[2] for word in coming["gained"]] == ["version v1.1.0"]
    assert [one["name"] for one in coming["changes"] if one["what"] == "file"] == [".env"]
    steps = document["steps"]
    assert isinstance(steps, list)
    assert isinstance(steps[0]["usual_seconds"], float)
    bench.does("rebuild", "rel1/api")

    _, document, _ = bench.run("rollback", "rel1/api", "--dry-run")
    going = difference(document)
    assert [word.partition(" ")[2] for word in going["lost"]] == ["version v1.1.0"]
    told = {one["name"]: (one["how"], one["before"], one["after"]) for one in going["changes"]}
    assert told[".env: LOG"] == ("changed", "debug", "info")
    assert told[".env: DB_PASSWORD"] == ("changed", "********", "********")
    assert told["version.json"][0] == "changed"
    assert (going["not_known"], going["reason"]) == ([], None)
    assert "hunter" not in json.dumps(document["difference"])

    # A login that is neither root nor the owner, and may not become the owner: git trusts no work tree of another user.
    host.sh("chmod 600 /srv/api/releases/*/.env; chown deploy /srv/api/releases/*/.env")
    _, document, _ = bench.run("rollback", "rel1/api", "--dry-run", user="nosudo")
    seen = difference(document)
    assert {gap["what"] for gap in seen["not_known"]} == {"commits", "variables of .env"}, seen
    assert "password is required" in json.dumps(seen["not_known"]), seen
    assert "version.json" in [one["name"] for one in seen["changes"]]
    host.sh("chmod 700 /srv/api/releases/*/")
    _, document, _ = bench.run("rollback", "rel1/api", "--dry-run", user="nosudo")
    assert "nosudo may not read /srv/api/releases/" in str(difference(document)["reason"])

    bench.does("rollback", "rel1/api")
    _, document, _ = bench.run("audit", "--kind", "rollback")
    plans = document["plans"]
    assert isinstance(plans, list)
    assert "1 commit lost" in plans[-1]["difference"]


def difference(document: DOCUMENT) -> dict[str, Any]:
    found = document["difference"]
    assert isinstance(found, dict)
    return found


BY_HAND = ("/usr/bin/env", "PORT=8080", "LOG_FILE=/srv/api/api.log", "/usr/bin/python3", "/srv/api/current/api.py")


def test_a_bad_release_of_what_only_a_pid_file_knows_is_taken_back(bench: Bench) -> None:
    """What the plan started itself is another process than the one that was seen before."""
    words = json.dumps(BY_HAND)
    extra = f'manager = "pidfile"\npid_file = "/srv/api/api.pid"\nuser = "deploy"\ncommand = {words}\n'
    (bench.home / "config.toml").write_text(releases.config(extra=extra))
    host = bench.host
    releases.commit(host, "v1.0.0")
    host.sh("cd /srv/api/src && VERSION=v1.0.0 make build && cp -a build ../releases/first", user="deploy")
    host.sh("ln -s releases/first /srv/api/current && rm -rf /srv/api/src/build", user="deploy")
    pidfile_zoo.by_hand(host, "/srv/api/api.pid", "env", *BY_HAND[1:], log="/srv/api/out.log")
    host.wait("curl -fs http://127.0.0.1:8080/version")
    pid = host.read("/srv/api/api.pid")
    releases.commit(host, "v2.0.0", ["unhealthy"])
    code, document, errors = bench.run("rebuild", "rel1/pidfile:api", "--yes")
    assert (code, document["result"]) == (1, "undone"), (document, errors)
    assert host.read("/srv/api/api.pid") != pid
    assert bench.live == "v1.0.0"
    document = bench.does("restart", "rel1/pidfile:api")
    assert "api is the process that was seen" in json.dumps(document)


def test_a_release_that_dies_until_its_manager_gives_up_is_taken_back(bench: Bench) -> None:
    """Its start limit is that of the unit: the good release could not be started either."""
    host = bench.host
    releases.commit(host, "v1.0.0")
    bench.does("rebuild", "rel1/api")
    limit = "[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=60\n[Service]\nRestart=always\nRestartSec=100ms\n"
    host.write("/etc/systemd/system/api.service.d/limit.conf", limit)
    host.sh("systemctl daemon-reload")
    host.write("/srv/api/src/api.py", "raise SystemExit(3)\n", owner="deploy:deploy")
    releases.commit(host, "v2.0.0")
    code, document, errors = bench.run("rebuild", "rel1/api", "--yes")
    assert (code, document["result"]) == (1, "undone"), (document, errors)
    host.wait("curl -fs http://127.0.0.1:8080/health")
    assert bench.live == "v1.0.0"


def test_a_release_that_goes_ill_while_it_is_watched_is_taken_back(bench: Bench) -> None:
    host = bench.host
    config = bench.home / "config.toml"
    config.write_text(config.read_text().replace("hold = 1", "hold = 4"))
    releases.commit(host, "v1.0.0")
    bench.does("rebuild", "rel1/api")
    # The lab's service says that it is drained once a file is there.
    source = host.read("/srv/api/src/api.py").replace(
        "healthy = {", "ill = ill or time.monotonic() - BEGAN > 2; healthy = {"
    )
    assert "BEGAN" in source
    host.write("/srv/api/src/api.py", f"import time\nBEGAN = time.monotonic()\n{source}", owner="deploy:deploy")
    releases.commit(host, "v2.0.0")
    code, document, errors = bench.run("rebuild", "rel1/api", "--yes")
    assert (code, document["result"]) == (1, "undone"), (document, errors)
    assert "/health answers 2xx held for" in str(document["reason"])
    assert bench.live == "v1.0.0"


def test_a_history_that_is_a_link_is_not_written_and_root_needs_the_name_of_the_owner(bench: Bench) -> None:
    host = bench.host
    releases.commit(host, "v1.0.0")
    host.sh("ln -s /srv/victim /srv/api/releases/history", user="deploy")
    code, document, _ = bench.run("rebuild", "rel1/api", "--yes")
    assert code == 1, document
    assert not host.sh("ls /srv/victim 2>/dev/null", check=False)
    config = bench.home / "config.toml"
    config.write_text(config.read_text().replace('user = "deploy"\n', ""))
    assert 'belongs to deploy, where root would follow their links: name user = "deploy"' in bench.refuses(
        "rebuild", "rel1/api"
    )


def test_who_builds_as_another_user_also_looks_as_that_user(bench: Bench) -> None:
    """git reads no work tree of somebody else."""
    host = bench.host
    releases.commit(host, "v1.0.0")
    bench.does("rebuild", "rel1/api")
    wanted = releases.commit(host, "v1.1.0")
    host.write(
        "/etc/sudoers.d/oncall",
        "oncall ALL=(deploy) NOPASSWD: ALL\noncall ALL=(root) NOPASSWD: "
        "/usr/bin/systemctl restart api.service, /usr/bin/systemctl reset-failed api.service\n",
        mode=0o440,
    )
    code, document, errors = bench.run("rebuild", "rel1/api", "--yes", user="oncall")
    assert (code, document["result"]) == (0, "done"), (document, errors)
    assert bench.live == "v1.1.0"
    assert bench.listed()[0]["v1.1.0"]["commit"] == wanted
