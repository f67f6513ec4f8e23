"""What sudo allows, from its own listing, and the line that is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from console.core.command import Command, Output
from console.core.plan import ActionKind, Plan, Result, Step
from console.core.snapshot import Identity
from console.remote.rights import Rights, cut_short, rights
from console.remote.sudo_list import allowed_commands, needs_password, sudoers_line
from console.remote.transport import Transport
from tests.lab import FreshHost, Lab
from tests.lab.fleet import port_conflict
from tests.remote.plans import change, make
from tests.remote.real import connected, planned, run, slow

# Recorded from sudo 1.9.13p3 (Debian 12), `sudo -n -l` into a pipe.
LISTING = r"""Matching Defaults entries for oncall on e1:
    env_reset, mail_badpass, secure_path=/usr/local/sbin\:/usr/local/bin\:/usr/sbin\:/usr/bin\:/sbin\:/bin, use_pty

User oncall may run the following commands on e1:
    (root) NOPASSWD: /usr/bin/systemctl restart a\\x2db.service
    (root) NOPASSWD: /usr/bin/systemctl restart foo@a\:b\,c\=1.service
    (root) NOPASSWD: /usr/bin/systemctl restart star\*.service
    (root) /usr/bin/systemctl stop api.service
    (ALL : ALL) NOPASSWD: /usr/bin/a x, /usr/bin/b, PASSWD: /usr/bin/c, !/usr/bin/d
    (deploy) NOPASSWD: /usr/bin/systemctl start api.service
    (root) NOPASSWD: /usr/bin/systemctl status *
    (root) NOPASSWD: /usr/bin/journalctl ""
    (root) NOPASSWD: /opt/tools/
"""

SYSTEMCTL = "/usr/bin/systemctl"


@pytest.mark.parametrize(
    ("path", "argv", "password"),
    [
        (SYSTEMCTL, ("systemctl", "restart", "a\\x2db.service"), False),
        ("/bin/systemctl", ("systemctl", "restart", "a\\x2db.service"), False),
        (SYSTEMCTL, ("systemctl", "restart", "foo@a:b,c=1.service"), False),
        (SYSTEMCTL, ("systemctl", "restart", "star*.service"), False),
        (SYSTEMCTL, ("systemctl", "restart", "starfish.service"), None),
        (SYSTEMCTL, ("systemctl", "stop", "api.service"), True),
        (SYSTEMCTL, ("systemctl", "start", "api.service"), None),
        (SYSTEMCTL, ("systemctl", "status", "x", "y"), False),
        ("/usr/bin/a", ("a", "x"), False),
        ("/usr/bin/a", ("a", "y"), None),
        ("/usr/bin/b", ("b", "anything", "at", "all"), False),
        ("/usr/bin/c", ("c",), True),
        ("/usr/bin/d", ("d",), None),
        ("/usr/bin/journalctl", ("journalctl",), False),
        ("/usr/bin/journalctl", ("journalctl", "-f"), None),
        ("/opt/tools/x", ("x", "y"), False),
        ("/opt/tools/deep/x", ("x",), None),
    ],
)
def test_the_listing_says_whether_a_password_is_asked(path: str, argv: tuple[str, ...], password: bool | None) -> None:
    assert needs_password(path, argv, allowed_commands(LISTING.splitlines())) is password


def test_the_last_rule_that_fits_counts() -> None:
    lines = ["    (ALL : ALL) ALL", "    (root) NOPASSWD: /usr/bin/systemctl"]
    assert needs_password(SYSTEMCTL, ("systemctl", "x"), allowed_commands(lines)) is False
    assert needs_password(SYSTEMCTL, ("systemctl", "x"), allowed_commands(lines[::-1])) is True


def test_only_the_rules_for_the_wanted_user_count() -> None:
    lines = ["    (root) /usr/bin/systemctl", "    (deploy, ann) NOPASSWD: /usr/local/bin/pm2 restart 3"]
    pm2 = ("/usr/local/bin/pm2", ("pm2", "restart", "3"))
    for user in ("deploy", "ann"):
        assert needs_password(*pm2, allowed_commands(lines, user)) is False
    assert needs_password(*pm2, allowed_commands(lines, "bob")) is None
    assert needs_password(SYSTEMCTL, ("systemctl", "x"), allowed_commands(lines)) is True


def test_where_all_rules_agree_there_is_no_doubt() -> None:
    lines = ["    (root) NOPASSWD: /usr/bin/systemctl ^restart [a-z]+$", "    (root) NOPASSWD: /usr/bin/x"]
    assert needs_password(SYSTEMCTL, ("systemctl", "restart", "a"), allowed_commands(lines)) is False


def test_defaults_may_turn_passwords_off() -> None:
    lines = ["    !authenticate, env_reset", "    (ALL : ALL) ALL"]
    assert needs_password(SYSTEMCTL, ("systemctl", "x"), allowed_commands(lines)) is False


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("restart", "api.service"), "restart api.service"),
        (("restart", "--", "-x.service"), "restart -- -x.service"),
        (("restart", "a\\x2db.service"), "restart a\\\\\\\\x2db.service"),
        (("restart", "foo@a:b,c=1.service"), "restart foo@a\\:b\\,c\\=1.service"),
        (("restart", "s*[x]?.service"), "restart s\\*\\[x\\]\\?.service"),
    ],
)
def test_the_line_that_is_missing(arguments: tuple[str, ...], line: str) -> None:
    assert sudoers_line("oncall", SYSTEMCTL, arguments) == f"oncall ALL=(root) NOPASSWD: /usr/bin/systemctl {line}"


@pytest.mark.parametrize(("path", "arguments"), [("systemctl", ("x",)), (SYSTEMCTL, ("a\nb",)), (SYSTEMCTL, ("",))])
def test_where_no_line_can_be_written(path: str, arguments: tuple[str, ...]) -> None:
    assert sudoers_line("oncall", path, arguments) is None


async def asked(transport: Transport, *argvs: tuple[str, ...]) -> Rights:
    steps = [Step(" ".join(argv), change(*argv, elevate=True)) for argv in argvs]
    return await rights(transport, make(*steps), Identity("web1", "", "", "oncall", 1001))


RESTART = ("systemctl", "restart", "api.service")


async def test_narrow_rules(lab: Lab, fresh_host: FreshHost) -> None:
    """Rows 16 to 18, and that the line that is said to be missing is the one that helps."""
    host = fresh_host(sudo=["/usr/bin/systemctl restart api.service"])
    hostile = ("a\\x2db.service", "foo@a:b.service", "--help.service", "$(touch x).service", "a;b", "it's.service")
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        found = await asked(transport, RESTART)
        assert (found.allowed, found.missing, found.reason) == (True, (), None)
        found = await asked(transport, RESTART, ("systemctl", "stop", "api.service"))
        assert not found.allowed
        assert [right.allowed for right in found.rights] == [True, False]
        assert found.missing == ("oncall ALL=(root) NOPASSWD: /usr/bin/systemctl stop api.service",)
        assert found.reason is not None
        assert found.reason.startswith("oncall may not run systemctl stop api.service as root without a password")
        assert found.reason.endswith(f"sudoers needs: {found.missing[0]}")
        wanted = [("systemctl", "restart", *(("--",) if name.startswith("-") else ()), name) for name in hostile]
        found = await asked(transport, *wanted)
        assert len(found.missing) == len(hostile)
        host.write("/etc/sudoers.d/more", "".join(f"{line}\n" for line in found.missing), mode=0o440)
        host.sh("visudo -c")
        found = await asked(transport, *wanted)
        assert found.allowed, found
        assert not (await asked(transport, ("systemctl", "restart", "a\\x2dc.service"))).allowed
        gone = await asked(transport, ("no-such-tool", "x"))
        assert gone.reason == "no-such-tool is not on this host"
        assert host.run(["test", "-e", "/home/oncall/x"], check=False).returncode == 1


async def test_sudo_that_wants_a_password(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 17: alone, and beside a rule without, where `sudo -n -l COMMAND` itself says that it is allowed."""
    host = fresh_host(sudo=[])
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        for other in ("", "oncall ALL=(root) NOPASSWD: /usr/bin/true\n"):
            text = f"{other}oncall ALL=(root) /usr/bin/systemctl restart api.service\n"
            host.write("/etc/sudoers.d/oncall", text, mode=0o440)
            found = await asked(transport, RESTART)
            assert not found.allowed
            assert "password" in (found.reason or "")
            assert found.missing == ("oncall ALL=(root) NOPASSWD: /usr/bin/systemctl restart api.service",)
        host.write("/etc/sudoers.d/oncall", "oncall ALL=(ALL:ALL) NOPASSWD: ALL\n", mode=0o440)
        assert (await asked(transport, RESTART)).allowed


async def test_no_sudo_at_all(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 16: nothing can be done, and looking works."""
    host = fresh_host(sudo=[])
    host.install_api()
    async with connected(host.name, lab.ssh_config("nosudo")) as transport:
        wanted = await planned(transport, ActionKind.RESTART, "api.service")
        found = await rights(transport, wanted, Identity("x", "", "", "nosudo", 1002))
        assert not found.allowed
        assert found.missing == ("nosudo ALL=(root) NOPASSWD: /usr/bin/systemctl restart api.service",)
        pid = host.sh("systemctl show -p MainPID --value api.service")
        last = await run(transport, wanted, root=False)
        assert last.result is Result.REFUSED
        assert last.reason == "no right to run sudo -n -- systemctl restart api.service without a password"
        assert host.sh("systemctl show -p MainPID --value api.service") == pid
        host.sh("mv /usr/bin/sudo /usr/bin/sudo.away")
        found = await rights(transport, wanted, Identity("x", "", "", "nosudo", 1002))
        assert found.reason == "nosudo is not root and this host has no sudo"


async def test_undo_is_asked_too(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(sudo=["/usr/bin/systemctl stop legacy.service", "/usr/bin/systemctl reset-failed api.service",
                            "/usr/bin/systemctl start api.service", "/usr/bin/systemctl stop api.service"])  # fmt: skip
    port_conflict(host)
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        wanted = await planned(transport, ActionKind.FREE_PORT, "api.service", port=8080)
        found = await rights(transport, wanted, Identity("x", "", "", "oncall", 1001))
        assert (found.allowed, found.undo_allowed, found.reason) == (True, False, None)
        assert found.missing == ("oncall ALL=(root) NOPASSWD: /usr/bin/systemctl start legacy.service",)


async def test_what_closes_a_plan_is_asked_and_its_evidence_is_no_condition(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(sudo=())
    one, two = change("id", "-un", elevate=True), change("id", "-gn", elevate=True)
    wanted = replace(make(Step("one", change("true"))), evidence=(Step("words", one),), closing=(Step("note", two),))
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        found = await rights(transport, wanted, Identity("x", "", "", "oncall", 1001))
    assert [(right.step, right.undo, right.allowed) for right in found.rights] == [
        ("words", True, False),
        ("note", False, False),
    ]
    assert not found.allowed


class Host:
    """A host whose sudo lets nobody become anybody, by its own words (sudo 1.9.13p3, Debian 12)."""

    connected = True

    async def run(self, command: Command, stdin: bytes) -> Output:
        assert b"hd_right 0 -u deploy -- sh -c" in stdin
        said = "sudo: a password is required"
        return Output(1, f"user oncall\nlist {said}\npath 0 /usr/bin/sh\nexit 0 1\nsaid 0 {said}\n")


async def test_a_script_that_no_line_allows_is_named_with_what_helps() -> None:
    script = Command(("sudo", "-n", "-u", "deploy", "--", "sh", "-c", "one\ntwo", "sh"), purpose="make 7 live")
    found = await rights(Host(), make(Step("make 7 live", script)), Identity("x", "", "", "oncall", 1001))  # type: ignore[arg-type]
    assert found.reason == (
        "oncall may not run a script of sh (make 7 live) as deploy without a password (a password is required); "
        "for a script sudoers can only allow every command as deploy, unless you log in as deploy; "
        "sudoers needs: oncall ALL=(deploy) NOPASSWD: /usr/bin/sh"
    )


async def test_root_and_the_users_own_services_are_not_asked_for(tmp_path: Path) -> None:
    class Nobody:
        host = "web1"
        connected = False

    plan = make(Step("one", change("systemctl", "restart", "x", elevate=True)))
    assert (await rights(Nobody(), plan, Identity("x", "", "", "root", 0))).allowed  # type: ignore[arg-type]
    plan = make(Step("one", change("systemctl", "--user", "restart", "x")))
    assert (await rights(Nobody(), plan, Identity("x", "", "", "ann", 1))).allowed  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ends", "longest", "told"),
    [
        (None, 600.0, None),
        ("90000000", 60.0, None),
        ("90000000", 125.0, "90 s later this host ends this plan, which may take 125 s, in the middle"),
        ("90000000", None, "90 s later this host ends a plan that takes longer in the middle"),
        ("?", 1.0, "not known: logind does not say"),
        ("", 1.0, "not known: logind does not say"),
        ("18446744073709551615", 1.0, "not known: logind does not say"),
    ],
)
def test_a_plan_that_its_session_takes_along_is_told(ends: str | None, longest: float | None, told: str | None) -> None:
    found = cut_short(ends, "oncall", longest)
    if told is None:
        assert found is None
    else:
        assert found is not None
        assert told in found.replace("connection is lost, ", "")
        assert "loginctl enable-linger oncall" in found


async def test_a_host_that_ends_what_a_session_left_says_so_before_a_long_plan(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    short, long = slow(host, 1.0), slow(host, 1.0)
    step = replace(long.steps[0], command=replace(long.steps[0].command, timeout=200.0))
    long = replace(long, steps=(step,))
    who = Identity(host.name, "", "", "oncall", 1001)

    async def doubts(plan: Plan) -> tuple[str, ...]:
        async with connected(host.name, lab.ssh_config("oncall")) as transport:
            return (await rights(transport, plan, who)).undo_doubts

    assert await doubts(long) == ()
    host.write("/etc/systemd/logind.conf.d/kill.conf", "[Login]\nKillUserProcesses=yes\n")
    host.sh("systemctl restart systemd-logind")
    (told,) = await doubts(long)
    assert "90 s later this host ends this plan, which may take" in told
    assert await doubts(short) == ()
    host.sh("loginctl enable-linger oncall")
    assert await doubts(long) == ()
