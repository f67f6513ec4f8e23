"""What ``doctor`` makes of what it finds."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from console.cli.checkup import here, host, managers
from console.cli.checkup.check import Check, Mark
from console.cli.checkup.host import (
    cgroups,
    clock,
    journal,
    keys,
    known_hosts,
    login,
    reach,
    rights,
    sources,
    tools,
)
from console.config.model import Config
from console.core.command import Command, Output
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Source
from console.remote.rights import session_end
from console.remote.ssh_config import SshTarget
from console.remote.transport import HostSpec

from .examples import down, identity, snapshot

SPEC = HostSpec("web1", "web1", ssh_config="/tmp/config")

# Recorded: sudo 1.9.13p3 (Debian 12), `sudo -n -l` as oncall.
SUDO_LIST = """\
Matching Defaults entries for oncall on web2:
    env_reset, mail_badpass, secure_path=/usr/local/sbin\\:/usr/local/bin\\:/usr/sbin\\:/usr/bin\\:/sbin\\:/bin, use_pty

User oncall may run the following commands on web2:
    (root) /usr/bin/apt, NOPASSWD: /usr/bin/systemctl restart api.service, /usr/bin/systemctl stop api.service
"""


def mended(check: Check) -> str:
    """The way to mend it, which there must be."""
    assert check.mend is not None
    return check.mend


def test_a_host_that_answers() -> None:
    check = reach(SPEC, snapshot())
    assert (check.mark, check.found) == (Mark.OK, "ssh web1, round trip 12 ms")


def test_a_host_that_does_not_says_why_and_how_to_look() -> None:
    check = reach(HostSpec("db1", "db1", ssh_config="/tmp/config"), down())
    assert (check.mark, check.found) == (Mark.NO, "no answer from db1:22 within 8 s")
    assert mended(check) == "check the address and the firewall: ssh -v -F /tmp/config db1"


def test_rights() -> None:
    assert rights(identity("root", 0), None).found == "root: everything"
    check = rights(identity(), Output(0, SUDO_LIST))
    assert check.mark is Mark.OK
    assert check.found.startswith(
        "sudo -n: /usr/bin/systemctl restart api.service; /usr/bin/systemctl stop api.service"
    )
    nothing = rights(identity("nosudo"), Output(1, "", "sudo: a password is required"))
    assert nothing.mark is Mark.WARNING
    assert "nosudo ALL=(root) NOPASSWD: /usr/bin/systemctl restart" in mended(nothing)
    assert "no sudo here" in rights(replace(identity(), tools=frozenset()), None).found


def test_a_missing_tool_is_said_with_what_it_is_for() -> None:
    found = list(tools(replace(identity(), tools=frozenset({"systemctl"}))))
    assert found[0].found == "systemctl"
    assert any(check.found.startswith("ss is not there: who listens on which port") for check in found)
    assert all(check.mark is Mark.WARNING for check in found[1:])


def test_the_journal_of_others_needs_a_group() -> None:
    assert journal(identity(), Output(0, "Started x\n")).mark is Mark.OK
    check = journal(identity("nosudo"), Output(1, "", "No journal files were opened due to insufficient permissions."))
    assert check.mark is Mark.WARNING
    assert "usermod -aG systemd-journal nosudo" in mended(check)


def test_sockets_clock_login_and_sources() -> None:
    assert cgroups(Output(0, "LISTEN 0 5 *:22 *:* cgroup:/system.slice/ssh.service")).mark is Mark.OK
    assert cgroups(Output(0, "LISTEN 0 5 *:22 *:*")).mark is Mark.WARNING
    assert cgroups(Output(0, "")).mark is Mark.UNKNOWN
    assert clock(snapshot()).mark is Mark.OK
    assert clock(replace(snapshot(), clock_skew=3600.0)).found == "3600 s ahead of this machine"
    assert clock(replace(snapshot(), clock_skew=None)).mark is Mark.UNKNOWN
    assert login(identity()).found == "oncall (uid 1000, groups oncall) on Debian GNU/Linux 12, kernel 6.1"
    # What a service manager does not tell is told with that manager.
    failing = (Source("docker", None, "no right"), Source("listeners", None, "no ss"), Source("systemd", 1.0, "late"))
    told = sources(replace(snapshot(), sources=failing))
    assert [check.what for check in told] == ["source listeners", "source systemd"]


# As docker.io 20.10.24 and docker-compose 1.29.2 of Debian 12 answer; of the plugin, which Debian 12 lacks, the form.
@pytest.mark.parametrize(
    ("plugin", "alone", "found"),
    [
        (Output(0, "2.29.7\n"), Output(0, "1.29.2\n"), "v2: docker compose 2.29.7"),
        (Output(125, "", "unknown flag: --short"), Output(0, "1.29.2\n"), "v1: docker-compose 1.29.2"),
        (Output(127, "", "not found"), Output(127, "", "not found"), None),
    ],
)
async def test_which_compose_there_is(plugin: Output, alone: Output, found: str | None) -> None:
    async def run(command: Command) -> Output:
        return plugin if command.argv[:2] == ("docker", "compose") else alone

    known = replace(snapshot(), sources=(Source("docker", 109.0),))
    told = {check.what: check for check in await managers.checks(known, run)}
    compose = told["compose"]
    assert compose.mark is (Mark.OK if found else Mark.WARNING)
    if found is None:
        assert mended(compose) == "install docker-compose-plugin (v2), or docker-compose"
    else:
        assert compose.found == found
    without = await managers.checks(replace(known, sources=()), run)
    assert "compose" not in {check.what for check in without}


async def test_compose_is_of_no_use_to_who_may_not_use_docker() -> None:
    async def run(command: Command) -> Output:
        return Output(0, "1.29.2\n") if command.argv[0] == "docker-compose" else Output(1, "")

    denied = Source("docker", None, "permission denied on /run/docker.sock: join group docker")
    told = {one.what: one for one in await managers.checks(replace(snapshot(), sources=(denied,)), run)}
    assert told["compose"].mark is Mark.WARNING
    assert told["compose"].found == "v1: docker-compose 1.29.2, permission denied on /run/docker.sock"
    assert mended(told["compose"]) == mended(told["docker"]) == "usermod -aG docker oncall (as root), then log in again"
    # Of several engines one refuses: it may be of use with the others.
    told = {
        one.what: one
        for one in await managers.checks(replace(snapshot(), sources=(replace(denied, partial=True),)), run)
    }
    assert told["compose"].mark is Mark.OK


# As docker.io 20.10.24, supervisor 4.2.5 and kubectl 1.32.4 answer.
SAY: dict[tuple[str, ...], Output] = {
    ("docker", "version"): Output(0, "20.10.24+dfsg1\n"),
    ("supervisorctl", "version"): Output(0, "4.2.5\n"),
    ("kubectl", "version"): Output(0, "Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0\n"),
    ("kubectl", "--kubeconfig"): Output(0, "Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0\n"),
}


async def test_each_manager_with_its_version_and_with_what_it_is_changed() -> None:
    async def run(command: Command) -> Output:
        return SAY.get(command.argv[:2], Output(127, "", "not found"))

    def made(manager: str, name: str, **more: object) -> Service:
        return Service(ServiceRef("web1", manager, name), State.RUNNING, "", **more)  # type: ignore[arg-type]

    kubectl = ("kubectl", "--kubeconfig", "/root/.kube/config", "--context", "prod eu")
    deploy, ann = (("sudo", "-n", "-u", user, "--", "pm2") for user in ("deploy", "ann"))
    services = (
        made("supervisord", "api", tool=("supervisorctl",)),
        made("pm2", "a", tool=deploy, manager_version="6.0.14"),
        made("pm2", "b", tool=ann, manager_version="5.4.3"),
        made("docker", "web", tool=("docker",)),
        made("kubernetes", "shop/deploy/api", tool=kubectl),
        made("pidfile", "hand", tool_missing="declare its command"),
    )
    sources = tuple(Source(one, 109.0) for one in ("supervisord", "pm2", "docker", "kubernetes", "pidfile"))
    checks = await managers.checks(replace(snapshot(), services=services, sources=sources), run)
    told = [(check.what, check.mark.value, check.found) for check in checks]
    assert told == [
        ("supervisord", "ok", "4.2.5, 1 service, changed with supervisorctl"),
        ("pm2", "ok", "6.0.14, 5.4.3, 2 services, changed with sudo -n -u deploy -- pm2, sudo -n -u ann -- pm2"),
        ("docker", "ok", "20.10.24+dfsg1, 1 service, changed with docker"),
        (
            "kubernetes", "ok",
            "kubectl v1.32.4-dispatcher, 1 service, changed with "
            "kubectl --kubeconfig /root/.kube/config --context 'prod eu'",
        ),
        ("pidfile", "ok", "1 service"),
        ("pidfile changes", "warning", "declare its command"),
        ("compose", "warning", checks[6].found),
    ]  # fmt: skip


async def test_a_manager_that_runs_nothing_yet_has_a_version_too() -> None:
    async def run(command: Command) -> Output:
        return SAY.get(command.argv[:2], Output(127, "", "not found"))

    found = ("supervisord", "docker", "kubernetes", "pm2")
    empty = replace(snapshot(), services=(), sources=tuple(Source(one, 109.0) for one in found))
    told = {check.what: check.found for check in await managers.checks(empty, run)}
    assert {one: told[one] for one in found} == {
        "supervisord": "4.2.5, 0 services",
        "docker": "20.10.24+dfsg1, 0 services",
        "kubernetes": "kubectl v1.32.4-dispatcher, 0 services",
        "pm2": "0 services",
    }


# As supervisor 4.2.5, docker.io 20.10.24 and kubernetes-client 1.20.2 of Debian 12 answer a login without any right.
INSTALLED: dict[tuple[str, ...], Output] = {
    ("supervisord", "--version"): Output(0, "4.2.5\n"),
    ("docker", "--version"): Output(0, "Docker version 20.10.24+dfsg1, build 297e128\n"),
    ("kubectl", "version", "--client"): Output(
        0, 'Client Version: version.Info{Major:"1", Minor:"20", GitVersion:"v1.20.2", '
        'GitCommit:"faecb196815e248d3ecfb03c680a4507229c2a56", GitTreeState:"archive", '
        'BuildDate:"2025-06-08T22:40:27Z", GoVersion:"go1.19.8", Compiler:"gc", Platform:"linux/amd64"}\n'
    ),
}  # fmt: skip


async def test_a_manager_that_may_not_be_asked_has_the_version_that_is_installed() -> None:
    async def run(command: Command) -> Output:
        return INSTALLED.get(command.argv, Output(1, "", "permission denied"))

    refused = (
        Source("supervisord", None, "oncall may not use /run/supervisor.sock"),
        Source("docker", None, "permission denied on /run/docker.sock: join group docker"),
        Source("pm2", None, "only deploy may use it"),
    )
    who = replace(identity(), tools=identity().tools | {"kubectl"})
    told = {one.what: one for one in await managers.checks(replace(snapshot(who=who), sources=refused), run)}
    assert told["supervisord"].found == "4.2.5, oncall may not use /run/supervisor.sock"
    assert told["docker"].found == "client 20.10.24+dfsg1, permission denied on /run/docker.sock"
    assert mended(told["docker"]) == "usermod -aG docker oncall (as root), then log in again"
    assert told["pm2"].found == "only deploy may use it"
    assert told["kubernetes"].found == "kubectl v1.20.2 is there, and this login has no kubeconfig"


async def test_kubectl_without_a_kubeconfig_is_told_and_no_warning() -> None:
    async def run(_command: Command) -> Output:
        return Output(127, "", "not found")

    who = replace(identity(), tools=identity().tools | {"kubectl"})
    told = await managers.checks(replace(snapshot(who=who), sources=()), run)
    [check] = [check for check in told if check.what == "kubernetes"]
    assert (check.mark, check.found) == (Mark.UNKNOWN, "kubectl is there, and this login has no kubeconfig")
    assert "~/.kube/config" in mended(check)
    assert all("kubernetes" not in check.found for check in told if check.what == "managers")
    without = await managers.checks(replace(snapshot(), sources=()), run)
    assert "kubernetes" in without[-1].found


LINE = "sudoers needs: oncall ALL=(root) NOPASSWD: /usr/bin/supervisorctl status"


@pytest.mark.parametrize(
    ("reason", "found", "mend"),
    [
        ("permission denied on /run/docker.sock: join group docker", "permission denied on /run/docker.sock",
         "usermod -aG docker oncall (as root), then log in again"),
        (f"oncall may not use /run/supervisor.sock: {LINE}", "oncall may not use /run/supervisor.sock", LINE),
        ("only root can read /etc/k3s.yaml: connect as root, or give this user a kubeconfig of its own",
         "only root can read /etc/k3s.yaml", "connect as root, or give this user a kubeconfig of its own"),
        ("dockerd does not run behind /run/docker.sock: systemctl start docker",
         "dockerd does not run behind /run/docker.sock", "systemctl start docker"),
        ("kubectl: error: something else", "kubectl: error: something else", None),
    ],
)  # fmt: skip
def test_what_mends_a_manager_is_told_apart_from_what_is_wrong(reason: str, found: str, mend: str | None) -> None:
    assert managers.parted("x", reason, "oncall") == Check("x", Mark.WARNING, found, mend)


def test_local_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert here.ssh_config(Config()).mark is Mark.OK
    assert here.configuration(Config(), tmp_path / "none").found.endswith("the defaults hold")
    assert here.agent({}).mark is Mark.OK
    assert "where no agent listens" in here.agent({"SSH_AUTH_SOCK": str(tmp_path / "gone")}).found


def test_host_keys(tmp_path: Path) -> None:
    known = tmp_path / "known"
    target = SshTarget("web1", "10.0.0.1", 22, "root", user_known_hosts=(str(known),))
    assert known_hosts(target).found == "no known_hosts file yet"
    known.write_text("")
    assert known_hosts(target).found == str(known)
    known.chmod(0o666)
    assert "other users" in known_hosts(target).found


def test_keys_to_log_in_with(tmp_path: Path) -> None:
    target = SshTarget("web1", "10.0.0.1", 22, "root", identity_files=(str(tmp_path / "id"),), jumps=("bastion",))
    assert keys(target).found == "nothing to offer to root@10.0.0.1:22, through bastion"
    (tmp_path / "id").write_text("")
    assert keys(target).found == f"root@10.0.0.1:22, through bastion with {tmp_path}/id"
    assert "the agent's keys" in keys(replace(target, agent="/tmp/agent")).found


def test_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "40")
    assert here.terminal({"TERM": "dumb"}).mark is Mark.NO
    assert "true colour, 120x40" in here.terminal({"TERM": "xterm", "COLORTERM": "truecolor"}).found
    assert "256 colours" in here.terminal({"TERM": "screen-256color"}).found
    assert "no colour" in here.terminal({"TERM": "xterm", "NO_COLOR": "1"}).found


def test_doctor_names_what_keeps_long_plans_alive() -> None:
    found = host.long_plans(session_end("ends 90000000\n", "oncall"))
    assert found.mark is Mark.WARNING
    assert "90 s later this host ends a plan that takes longer" in found.found
    assert found.mend == "loginctl enable-linger oncall (as root)"
    assert host.long_plans(session_end("", "oncall")).mark is Mark.OK
