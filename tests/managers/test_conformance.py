"""What holds for every service manager that is registered: each promise that it makes."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest

from console.core.command import Command, Effect, quote
from console.core.plan import ActionKind
from console.core.probe import ParseError, Probe
from console.core.release import Release
from console.core.service import ServiceRef
from console.core.text import decode, sanitise
from console.managers import MANAGERS, acting, base, can, manager, releasing
from console.managers.base import ServiceManager
from console.managers.supervisord_files import Written
from console.remote.logs import source
from console.remote.probe_program import request
from tests.managers.promises import (
    CHANGES,
    KINDS,
    LOOKS,
    RECIPE,
    RELEASES,
    capabilities,
    hostile,
    makers,
    name_of,
    service_of,
    unseen,
)
from tests.managers.tools import SHELLS, Tools, every_shell
from tests.probes.recorded import cases, find

RECORDED = cases(Path(__file__).parent / "recorded")
PROBES = [(found, probe) for found in MANAGERS for probe in found.probes()]
everyone = pytest.mark.parametrize("found", MANAGERS, ids=lambda found: found.id)
every_probe = pytest.mark.parametrize(("found", "probe"), PROBES, ids=lambda value: getattr(value, "name", ""))
ODD = (
    "", "\n", "\n\n\n", " ", "\t\t\t", "\ufffd" * 40, "x", "x y z", "x\ty\tz", "home\t", "-1", "9" * 5000, "a" * 70000,
    "[]", "{}", "null", "[[[", "{" * 50, '{"Id": null}', "a=b", "=", ":", "id=x\n\nid=y", "unit \nin \narg ",
    "engine a b c d e", "sudo: a password is required", "sh: 1: nothing: not found",
    "bash: warning: setlocale: LC_ALL: cannot change locale (de_DE.UTF-8)",
)  # fmt: skip
LINES = (
    "", " ", "\t", "text", "{", "[]", "null", '{"a":', '{"message": 7}', '{"MESSAGE": [255, 254]}', "{" * 5000,
    "[" * 90000, '{"level": {}, "message": []}', '{"message": "\\u001b[31mred\\u0007"}', "2026-13-45T99:99:99Z x",
    "9" * 400, "\ufffd\ufffd", "web\t", "[pod/a/b] ", "-- No entries --",
)  # fmt: skip
_DONE_BY_EVERY = {base.ServiceManager}
_PROBED = {base.Detected, base.Surveyed, base.Declarable, base.Hosted, base.Roaming}
_READS_NO_OPTION = {"supervisord"}
"""supervisorctl reads none behind its first word."""
_TOLD = {
    acting.Replacing, acting.Grouped, acting.Selective, acting.Disposing, acting.Cautious, acting.Applying,
    acting.Declaring, base.Versioned, base.FileLogSource, base.Environed, releasing.Comparing, base.Metered,
    base.Reviving,
}  # fmt: skip


def one_line(text: str) -> bool:
    """Whether a person can be shown it as it is."""
    return bool(text.strip()) and text.isprintable()


def test_every_promise_is_looked_at_here() -> None:
    asked = {capability for capability, _ in (*CHANGES.values(), *LOOKS.values())}
    assert capabilities() == _DONE_BY_EVERY | _PROBED | _TOLD | asked


@everyone
def test_it_is_a_manager_and_found_by_its_id(found: ServiceManager) -> None:
    assert isinstance(found, ServiceManager)
    assert manager(found.id) is found
    ref = ServiceRef("web1", found.id, name_of(found))
    assert all(can(ref, capability) is isinstance(found, capability) for capability in capabilities())


def test_ids_priorities_and_names_of_probes_are_unique() -> None:
    assert len({found.id for found in MANAGERS}) == len(MANAGERS)
    assert [found.priority for found in MANAGERS] == sorted({found.priority for found in MANAGERS})
    names = [probe.name for found in MANAGERS for probe in found.probes()]
    assert len(names) == len(set(names))


@everyone
def test_what_it_is_found_by_is_asked_often_and_what_it_tells_in_its_own_lane(found: ServiceManager) -> None:
    if isinstance(found, base.Detected):
        assert found.presence in found.probes()
        assert found.presence.every > 0
        assert found.presence.slow, "it may look at a file system whose server is dead"
    if isinstance(found, base.Surveyed):
        assert found.survey in found.probes()
        assert found.survey.slow
    if isinstance(found, base.Hosted):
        assert found.written in found.probes()
        assert found.written.slow
        assert found.written_words("cron.service") is None
    if isinstance(found, releasing.Revertible):
        words = found.release_words(service_of(found), None)
        assert request(1, [(found.releases, words)]), "as the probe shell is asked for them"
    if isinstance(found, releasing.Comparing):
        assert isinstance(found, releasing.Revertible)
        assert found.comparison.slow
        words = found.comparison_words(service_of(found), RECIPE, *reversed(RELEASES[found.id]))
        assert request(1, [(found.comparison, words)])
        assert all(release.id in words for release in RELEASES[found.id])
        for hostile in ("-rf", "", "a b", "--help", "$(x)", "../x"):
            with pytest.raises(ValueError, match="known"):
                found.comparison_words(service_of(found), RECIPE, RELEASES[found.id][1], Release(hostile))
    if isinstance(found, base.Roaming):
        assert "scan" in found.search_words("", search=True)
        assert found.search_words("", search=False) == ()
    if isinstance(found, base.Declarable):
        assert all(isinstance(word, str) for word in (*found.presence_words(()), *found.survey_words((), ())))


@every_probe
@every_shell
def test_every_shell_can_read_its_probes(found: ServiceManager, probe: Probe[object], shell: list[str]) -> None:
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", probe.name)
    assert probe.timeout > 0
    text = f"p_{probe.name}() {{\n{probe.script}\n}}\n"
    done = subprocess.run([*shell, "-n"], input=text, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@every_probe
@pytest.mark.parametrize("text", ODD, ids=lambda text: repr(text)[:24])
def test_an_answer_that_nobody_expects_is_refused_in_one_way_only(
    found: ServiceManager, probe: Probe[object], text: str
) -> None:
    for answer in (text, sanitise(decode(b"\xff\xfe" + text.encode() + b"\x80\n\x9b31m"))):
        try:
            assert all(safe(word) for word in strings(probe.parse(answer)))
        except ParseError:
            continue


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.path.stem)
def test_bytes_that_are_no_text_and_signs_for_a_terminal_do_not_get_through(case: object) -> None:
    """The second are written as JSON does: what is sanitised before it is parsed has none in it."""
    probe, output = find(case.probe), case.output  # type: ignore[attr-defined]
    raw = output.encode()
    at = [found.end() for found in re.finditer(r"[\":= ] ?\"?(?=[A-Za-z/])", output)]
    for place in at[:: max(1, len(at) // 60)]:
        texts = (
            decode(raw[:place] + b"\xff\xc3" + raw[place:]),
            f"{output[:place]}\\u001b]0;x\\u0007\\u009b31m\\u202e{output[place:]}",
            f"{output[:place]}\x1b]0;x\x07\x9b31m\u202e{output[place:]}",
        )
        for text in texts:
            try:
                value = probe.parse(sanitise(text))
            except ParseError:
                continue
            for word in strings(value):
                assert safe(word), (word, text[max(0, place - 40) : place + 60])


def strings(value: object) -> Iterator[str]:
    """All text in an answer."""
    if isinstance(value, Written):
        # The values are compared, never shown.
        value = replace(value, fields=dict.fromkeys(value.fields))
    if isinstance(value, str):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from strings(getattr(value, field.name))
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from (*strings(key), *strings(part))
    elif isinstance(value, tuple | list | frozenset | set):
        for part in value:
            yield from strings(part)


def safe(text: str) -> bool:
    """Whether a terminal would only show it."""
    return all(sign.isprintable() or sign in "\n\t\u00ad" for sign in text)


@everyone
def test_what_it_can_change_says_what_for_and_how_long(found: ServiceManager) -> None:
    for word, make in makers(found, CHANGES).items():
        command = make(service_of(found))
        if command is None:
            continue
        assert command.effect is Effect.CHANGE, word
        assert one_line(command.purpose), word
        assert command.timeout >= 10, word
        assert word == "reread" or any("api" in one for one in command.argv), word
        assert command.ok_exits == (0,), word


@everyone
def test_what_it_looks_at_changes_nothing_and_needs_no_rights(found: ServiceManager) -> None:
    for word, make in makers(found, LOOKS).items():
        command = make(service_of(found))
        if command is None:
            continue
        assert command.effect is Effect.READ, word
        assert command.through_sudo(root=False) is None, word
        assert command.timeout > 0, word
        assert all("\0" not in one for one in command.argv), word
    if isinstance(found, acting.Checkable):
        check = found.is_running(service_of(found), hold=5.0)
        assert (check.hold, one_line(check.name)) == (5.0, True)
        assert one_line(found.is_stopped(service_of(found)).name)


@everyone
def test_whatever_needs_a_right_can_be_asked_of_sudo(found: ServiceManager) -> None:
    """Also where a script looks first: else the line that is missing could not be named."""
    services = [service_of(found, sudo=True)]
    if found.id == "pm2":
        services.append(replace(services[0], handle=("0",)))
    for service in services:
        for word, make in makers(found, CHANGES).items():
            command = make(service)
            if command is None:
                continue
            assert command.through_sudo(root=False) is not None, word
            assert command.told(root=False).startswith("sudo -n "), word


@everyone
def test_a_name_is_a_word_or_is_refused(found: ServiceManager) -> None:
    """It never becomes part of a script, an option, or more than one word."""
    plain = {word: make(service_of(found)) for word, make in makers(found, CHANGES | LOOKS).items()}
    for service in hostile(found):
        for word, make in makers(found, CHANGES | LOOKS).items():
            try:
                command = make(service)
            except ValueError:
                continue
            if command is not None:
                kept(command, plain[word])
                assert found.id in _READS_NO_OPTION or is_no_option(command, service.members[0]), word


def kept(command: Command, plain: Command | None) -> None:
    """It is the same command but for words."""
    assert tuple(shlex.split(quote(command.argv))) == command.argv
    assert command.argv[0]
    assert not command.argv[0].startswith("-")
    assert all("\0" not in one for one in command.argv)
    if plain is not None and not command.becomes:
        assert scripts(command) == scripts(plain)


def scripts(command: Command) -> list[str]:
    return [command.argv[at + 1] for at, one in enumerate(command.argv[:-1]) if one == "-c"]


def is_no_option(command: Command, name: str) -> bool:
    """Whether a name with a hyphen in front stands behind "--", or is an argument of a script."""
    if not name.startswith("-") or name not in command.argv or scripts(command):
        return True
    return "--" in command.argv[: len(command.argv) - 1 - command.argv[::-1].index(name)]


@everyone
@every_shell
def test_no_name_is_run(found: ServiceManager, tmp_path: Path, shell: list[str]) -> None:
    """For real, with tools in front that do nothing, and with what such a name would run."""
    tools = Tools(tmp_path)
    for name in (
        "systemctl",
        "journalctl",
        "supervisorctl",
        "pm2",
        "apt-get",
        "dpkg-query",
        "kubectl",
        "runuser",
        "systemd-run",
        "nsenter",
    ):
        tools.add(name, "cat >/dev/null; echo api Up; exit 0")
    # It is spoken to, and waited for until it answers.
    tools.add("docker", "echo api Up; exit 0")
    tools.add("sudo", "exit 1")
    tools.add("sleep", "exit 0")
    tools.add("touch", f': >"{tmp_path}/PWNED"')
    for service in hostile(found, str(tmp_path)):
        for word, make in makers(found, LOOKS if found.id == "pidfile" else CHANGES | LOOKS).items():
            try:
                command = make(service)
            except ValueError:
                continue
            if command is None or word == "follow":
                continue
            words = [*shell, *command.argv[1:]] if command.argv[0] == "sh" else list(command.argv)
            tools.run([*SHELLS[0]], 'exec "$@"', *words)
            assert not (tmp_path / "PWNED").exists(), (word, service.ref.name)


@everyone
def test_of_what_was_not_looked_at_there_is_a_command_or_a_reason(found: ServiceManager) -> None:
    for make in makers(found, CHANGES | LOOKS).values():
        with suppress(ValueError):
            command = make(unseen(found))
            assert command is None or command.argv[0]


@everyone
def test_what_it_does_not_refuse_it_can_do(found: ServiceManager) -> None:
    service = service_of(found)
    for kind in ActionKind:
        why = found.why_not(service, kind) if isinstance(found, acting.Selective) else None
        assert why is None or one_line(why)
        for word, make in makers(found, CHANGES).items():
            if why is None and KINDS.get(word) is kind:
                make(service)


@everyone
def test_what_it_says_can_be_shown(found: ServiceManager) -> None:
    for service in (service_of(found), unseen(found)):
        if isinstance(found, acting.Disposing):
            gone = found.disposed(service)
            assert gone is None or one_line(gone)
        if isinstance(found, acting.Replacing):
            assert found.replaces(service) in (True, False)
        if isinstance(found, acting.Grouped):
            assert "/" not in found.cgroup_name(service)
        if isinstance(found, base.Versioned):
            assert all(one_line(word) for word in (*found.plain_tool, *found.version_words))
            assert found.version_of("") is None
        if isinstance(found, acting.Cautious):
            assert all(one_line(line) for kind in ActionKind for line in found.cautions(service, kind))
        if isinstance(found, acting.Applying):
            assert all(one_line(line) for line in found.applies(service))
        if isinstance(found, base.Hosted):
            told = (found.unit_cautions((service,), kind) for kind in ActionKind)
            assert all(one_line(line) for lines in told for line in lines)


@everyone
def test_a_line_of_a_log_is_read_or_carries_nothing(found: ServiceManager) -> None:
    if not isinstance(found, base.LogSource):
        return
    ref = ServiceRef("web1", found.id, name_of(found))
    for text in LINES:
        line = found.log_line(ref, sanitise(text))
        if not text.strip():
            assert line is None
        if line is not None:
            assert (line.host, line.service) == (ref.host, ref.name)
            assert line.level
            assert all(safe(word) for word in strings(line))


@everyone
def test_of_several_files_each_line_tells_from_which_it_is(found: ServiceManager, tmp_path: Path) -> None:
    """As ``source`` reads them: one that is told twice, or whose head is shown, would be of another file."""
    if not isinstance(found, base.FileLogSource):
        return
    one, two = tmp_path / "out.log", tmp_path / "err.log"
    one.write_text("first\n")
    two.write_text("second\n")
    service = replace(service_of(found), tool=(), log_files=(str(one), str(two)))
    names = found.log_paths(service)
    assert set(names) <= {str(one), str(two)}
    command, read = source(service, lines=5, since=None, follow=False)
    done = subprocess.run(command.argv, capture_output=True, text=True, timeout=20, check=True)
    lines = [line for text in done.stdout.splitlines() if (line := read(text)) is not None]
    told = {line.source: line.message for line in lines}
    assert told == {name: {str(one): "first", str(two): "second"}[name] for name in names}
    assert all(isinstance(name, str) for name in found.log_paths(unseen(found)))
