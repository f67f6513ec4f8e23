"""What must fit together in a configuration. Works on the file's bare values, so that it has its say beside mistakes of
form: whatever has the wrong type here is passed over, since the form complains of it."""

import math
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import fields
from typing import Any

from console.config.locate import KeyPath
from console.config.mistakes import Mistake, key_text, nearest, one_of, shown
from console.core.keys import BY_ID, conflicts, key_problem
from console.core.thresholds import Thresholds

_NEEDED = frozenset({"quit"})
"""Actions that may have other keys, but not none; of all others a person may be rid."""

_PASSWORDS = ("password_command", "password_from")

Raw = dict[str, Any]
Found = tuple[KeyPath, str, str, str | None]
"""Key path, what was found, what was expected, what was probably meant."""


def check(raw: Raw, lines: dict[KeyPath, int], themes: Collection[str], managers: Collection[str]) -> list[Mistake]:
    """Every rule's mistakes. ``themes`` and ``managers`` are the names that exist; empty means that none is checked."""
    rules: tuple[Callable[[Raw], Iterator[Found]], ...] = (
        lambda raw: _theme(raw, themes),
        lambda raw: _managers(raw, managers),
        _local,
        _destinations,
        _passwords,
        _pid_files,
        _releases,
        _references,
        _keys,
        _thresholds,
    )
    found = [*_duplicates(raw, lines), *(fault for rule in rules for fault in rule(raw))]
    return [
        Mistake(what, expected, key_text(path, raw), _line(lines, path), meant=meant)
        for path, what, expected, meant in found
    ]


def _line(lines: dict[KeyPath, int], path: KeyPath) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _tables(raw: Raw, key: str) -> Iterator[tuple[int, Raw]]:
    value = raw.get(key)
    for index, entry in enumerate(value if isinstance(value, list) else ()):
        if isinstance(entry, dict):
            yield index, entry


def _names(value: Any) -> Iterator[tuple[int, str]]:
    for index, name in enumerate(value if isinstance(value, list) else ()):
        if isinstance(name, str):
            yield index, name


def _table(raw: Raw, key: str) -> Raw:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def _theme(raw: Raw, themes: Collection[str]) -> Iterator[Found]:
    theme = raw.get("theme")
    if isinstance(theme, str) and themes and theme not in themes:
        yield ("theme",), f"unknown theme {shown(theme)}", one_of(themes), nearest(theme, themes)


def _managers(raw: Raw, managers: Collection[str]) -> Iterator[Found]:
    for index, service in _tables(raw, "services"):
        manager = service.get("manager")
        if isinstance(manager, str) and managers and manager not in managers:
            path = ("services", index, "manager")
            yield path, f"unknown manager {shown(manager)}", one_of(managers), nearest(manager, managers)


def _duplicates(raw: Raw, lines: dict[KeyPath, int]) -> Iterator[Found]:
    for key in ("hosts", "services"):
        seen: dict[object, KeyPath] = {}
        for index, entry in _tables(raw, key):
            if not isinstance(entry.get("name"), str):
                continue
            first = seen.setdefault(_identity(key, entry), (key, index, "name"))
            if first != (key, index, "name"):
                what = f"{key.removesuffix('s')} {shown(entry['name'])} is there already, in line {_line(lines, first)}"
                yield (key, index, "name"), what, "each one once", None


def _identity(key: str, entry: Raw) -> object:
    if key == "hosts":
        return entry["name"].casefold()
    name = entry["name"].removesuffix(".service")
    return name, str(entry.get("manager")), str(entry.get("hosts")), str(entry.get("groups"))


def _local(raw: Raw) -> Iterator[Found]:
    here: Raw | None = None
    for index, host in _tables(raw, "hosts"):
        over_ssh = [
            key for key in ("destination", "user", "port", "identity_files", "jump", *_PASSWORDS) if key in host
        ]
        if host.get("local") is not True:
            yield from _named_like_here(index, host)
            continue
        if over_ssh:
            yield ("hosts", index, over_ssh[0]), "the host is local", "no ssh settings beside local = true", None
        if here is not None:
            what = f"this machine is there already, as {shown(here.get('name'))}"
            yield ("hosts", index, "local"), what, "local = true once", None
        here = here or host


def _named_like_here(index: int, host: Raw) -> Iterator[Found]:
    name = host.get("name")
    if isinstance(name, str) and name.casefold().removesuffix(".") == "localhost":
        what = f"{shown(name)} is always this machine, and this host is reached over ssh"
        yield ("hosts", index, "name"), what, "local = true, or another name", None


def _destinations(raw: Raw) -> Iterator[Found]:
    for index, host in _tables(raw, "hosts"):
        destination = host.get("destination")
        if not isinstance(destination, str):
            continue
        user, at, address = destination.removeprefix("ssh://").rpartition("@")
        port = re.fullmatch(r"(?:[^:\[\]]*|\[.*\]):(\d{1,5})", address)
        for key, told in (("user", user if at else None), ("port", int(port[1]) if port else None)):
            given = host.get(key)
            if told is not None and isinstance(given, type(told)) and given != told:
                what = f"{shown(given)}, but the destination says {shown(told)}"
                yield ("hosts", index, key), what, f"the {key} in one of the two", None


def _passwords(raw: Raw) -> Iterator[Found]:
    tables: list[tuple[KeyPath, Raw]] = [(("ssh",), _table(raw, "ssh"))]
    tables += [(("hosts", index), host) for index, host in _tables(raw, "hosts")]
    for path, table in tables:
        command = table.get("password_command")
        if isinstance(command, list) and (not command or not command[0] or str(command[0]).startswith("-")):
            yield (
                (*path, "password_command"),
                "no program to run",
                'a program and its arguments, ["pass", "show", "x"]',
                None,
            )
        if "password_command" in table and "password_from" in table:
            yield (*path, "password_from"), "there is a password_command too", "one of the two", None


_OF_PID_FILES = ("pid_file", "command", "directory", "user", "stop_signal", "stop_timeout")


def _pid_files(raw: Raw) -> Iterator[Found]:
    seen: dict[object, object] = {}
    for index, service in _tables(raw, "services"):
        given = [key for key in _OF_PID_FILES if key in service]
        if service.get("manager") != "pidfile":
            what = "the manager is not pidfile" if "manager" in service else "no manager is named"
            for key in given:
                yield ("services", index, key), what, f'no {key}, or manager = "pidfile"', None
            continue
        path = ("services", index, "pid_file")
        if "pid_file" not in service:
            yield path, "not there", "the pid file of the service, such as /srv/api/api.pid", None
        command = service.get("command")
        if isinstance(command, list) and (not command or not command[0] or str(command[0]).startswith("-")):
            yield ("services", index, "command"), f"found {shown(command)}", "a program and its arguments", None
        place = str(service.get("pid_file")), str(service.get("hosts")), str(service.get("groups"))
        if seen.setdefault(place, index) != index and "pid_file" in service:
            yield path, f"{shown(service['pid_file'])} is another service's too", "a pid file of its own", None


_BUILT_BY_ENGINE = ("docker", "compose")


def _releases(raw: Raw) -> Iterator[Found]:
    for index, service in _tables(raw, "services"):
        made = _table(service, "release")
        path: KeyPath = ("services", index, "release")
        by_engine = service.get("manager") in _BUILT_BY_ENGINE and "directory" not in made
        if by_engine and "command" in made:
            yield (*path, "command"), "the engine builds it", "no command, or a directory", None
        if "image" in made and (service.get("manager") != "docker" or "directory" in made):
            yield (*path, "image"), "its releases are no images", 'manager = "docker" and no directory', None
        yield from _sources(path, made, by_engine=by_engine)
        output = made.get("output")
        if isinstance(output, str) and (output.startswith(("/", "-")) or ".." in output.split("/")):
            yield (*path, "output"), f"found {shown(output)}", "a path below source", None
        command = made.get("command")
        if isinstance(command, list) and command and (not command[0] or str(command[0]).startswith("-")):
            yield (*path, "command"), f"found {shown(command)}", "a program and its arguments", None


def _sources(path: KeyPath, made: Raw, *, by_engine: bool) -> Iterator[Found]:
    if "local_source" in made and "source" in made:
        yield (*path, "local_source"), "there is a source too", "one of the two: it is built here or on the host", None
    elif "local_source" in made and "directory" not in made:
        yield (*path, "local_source"), "there is no directory", "the directory on the host that holds releases/", None
    if by_engine:
        return
    given = next((key for key in ("source", "local_source") if key in made), None)
    if given is not None and not made.get("command"):
        yield (*path, given), "there is no command", f"{given} and command, or neither of them", None
    if given is None and "command" in made:
        yield (*path, "command"), "there is no source", "source and command, or neither of them", None


def _references(raw: Raw) -> Iterator[Found]:
    groups = set(_table(raw, "groups"))
    named = {entry["name"] for _, entry in _tables(raw, "hosts") if isinstance(entry.get("name"), str)}
    for key in ("hosts", "services"):
        for index, entry in _tables(raw, key):
            yield from _unknown((key, index, "groups"), entry.get("groups"), "group", groups)
    for index, entry in _tables(raw, "services"):
        yield from _unknown(("services", index, "hosts"), entry.get("hosts"), "host", named)
    for name in sorted(groups & named):
        yield ("groups", name), "a host has this name", "names that tell hosts and groups apart", None


def _unknown(path: KeyPath, value: Any, what: str, known: set[str]) -> Iterator[Found]:
    for index, name in _names(value):
        if name not in known:
            expected = one_of(known) if known else f"a {what} that this file describes"
            yield (*path, index), f"unknown {what} {shown(name)}", expected, nearest(name, known)


def _keys(raw: Raw) -> Iterator[Found]:
    table, remap = _table(raw, "keys"), {}
    for ident, value in table.items():
        if ident not in BY_ID:
            yield ("keys", ident), "unknown action", one_of(BY_ID), nearest(ident, BY_ID)
            continue
        keys = [value] if isinstance(value, str) else [key for _, key in _names(value)]
        if ident in _NEEDED and value == []:
            yield ("keys", ident), "no key at all", f"a key: without one nobody can {ident}", None
        for key in keys:
            if problem := key_problem(BY_ID[ident], key):
                yield ("keys", ident), problem, "a key that is free for it", None
        remap[ident] = tuple(keys)
    seen = set()
    for conflict in conflicts(remap):
        pair = (conflict.key, conflict.first, conflict.second)
        if pair not in seen:
            seen.add(pair)
            ident = conflict.second if conflict.second in remap else conflict.first
            yield ("keys", ident), str(conflict), "each key once on a screen", None


def _thresholds(raw: Raw) -> Iterator[Found]:
    table = _table(raw, "thresholds")
    merged = {field.name: table.get(field.name, field.default) for field in fields(Thresholds)}
    for name, value in merged.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        high = 100.0 if _is_percent(name) else math.inf
        if not 0 <= value <= high or math.isinf(value):
            expected = "a number from 0 to 100 (per cent)" if _is_percent(name) else "a number from 0 on"
            yield ("thresholds", name), f"found {shown(value)}", expected, None
    for name, warning in merged.items():
        partner = name.removesuffix("_warning") + "_critical"
        critical = merged.get(partner)
        if name.endswith("_warning") and _above(warning, critical):
            given = name if name in table else partner
            what = f"{name} {shown(warning)} is above {partner} {shown(critical)}"
            yield ("thresholds", given), what, "the warning not above the critical one", None


def _above(first: Any, second: Any) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (first, second))
    return numbers and first > second


def _is_percent(name: str) -> bool:
    return not any(word in name for word in ("seconds", "restarts", "count", "bytes", "hours", "minutes"))
