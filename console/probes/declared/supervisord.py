"""Supervisord: the command and the variables of every program, and supervisord's own HTTP server."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from console.core.declaration import Declaration
from console.probes.declared import arguments, environment
from console.probes.declared.environment import Setting
from console.probes.declared.files import File, declaration
from console.probes.declared.names import read_place
from console.probes.declared.words import split_words

_section = re.compile(r"\[(?P<name>[^\]\s]+)\]")
_pair = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>\"[^\"]*\"|'[^']*'|[^,\"']*)\s*(?:,|\Z)")
_expansion = re.compile(r"%\((?P<name>\w+)\)(?P<form>\d*[sd])")
MOST = 64
"""Processes of one program that are told."""


FILTER = r"""
function supervisord(n, s,   k, v, e, out) {
  sub(/\r$/, "", s)
  if (s ~ /^[ \t]*([;#]|$)/) return
  if (s ~ /^\[/) { section = s; key = ""; sub(/\].*/, "]", s); send(n, s); return }
  e = match(s, /[=:]/)
  going = s ~ /^[ \t]/ && key != ""
  v = clean(going ? s : substr(s, e + 1))
  if (!going) {
    if (!e) return
    key = tolower(substr(s, 1, e - 1))
    gsub(/[ \t]/, "", key)
  }
  sub(/[ \t];.*/, "", v)
  out = option_of(key, v, going)
  if (out != "") send(n, (going ? " " : key "=") out)
}
function option_of(k, v, on,   m, i, s, out, part) {
  if (k ~ /^(numprocs|numprocs_start|process_name|autostart|programs)$/) return v
  if (k == "directory" && v ~ /^\/./) { refer("env", owner, "", v "/.env"); return v }
  if (k == "port" && section ~ /inet_http/ && place(v)) return v
  if (k == "files" && section ~ /^\[include/) refer("supervisord", owner, base, v)
  if (k == "command") {
    m = words(v)
    if (on) return command(m, 1)
    s = word[1]
    python = 0
    out = command(m, 2)
    return out == "" ? "" : s " " out
  }
  if (k != "environment") return ""
  m = split(v, part, ",")
  for (i = 1; i <= m; i++) {
    s = part[i]
    gsub(/["\047]/, "", s)
    s = clean(s)
    sub(/[ \t]+$/, "", s)
    s = variable(s)
    if (s != "") out = out "," s
  }
  return out == "" ? "" : substr(out, 2) ","
}
"""


@dataclass(slots=True)
class _Program:
    name: str
    options: dict[str, Setting] = field(default_factory=dict)


def declarations(files: Sequence[File], variables: Mapping[str, File], unit: str) -> Iterator[Declaration]:
    """What the programs claim. ``variables`` are the ``.env`` files by their folders."""
    groups: dict[str, str] = {}
    programs: list[_Program] = []
    for file in files:
        for program in _sections(file):
            kind, _, name = program.name.partition(":")
            if kind == "group":
                members = program.options.get("programs")
                groups |= dict.fromkeys(re.split(r"[\s,]+", members.value if members else ""), name)
            elif kind in ("program", "fcgi-program", "eventlistener") and name:
                programs.append(_Program(name, program.options))
            elif kind == "inet_http_server" and (port := program.options.get("port")) is not None:
                place = read_place(port.value)
                if place is not None:
                    yield declaration(place, unit, port.where, "systemd")
    for program in programs:
        yield from _of_program(program, groups.get(program.name, ""), variables)


def variables(file: File, name: str) -> dict[str, Setting]:
    """The variables that a file sets for a program, by the name of its process; ``GROUP:`` before it may be left out.

    What only supervisord can fill in stays as it is written: ``%(ENV_HOME)s``.
    """
    process = name.rpartition(":")[2]
    for program in _sections(file):
        kind, _, own = program.name.partition(":")
        pattern = program.options.get("process_name")
        first = _number(program, "numprocs_start", 0)
        for number in range(first, first + min(_number(program, "numprocs", 1), MOST)):
            known = {"program_name": own, "group_name": name.partition(":")[0], "process_num": str(number)}
            called = _filled(pattern.value, known) if pattern is not None else own
            if kind in ("program", "fcgi-program", "eventlistener") and called == process:
                return _settings(program, known)
    return {}


def _settings(program: _Program, known: Mapping[str, str]) -> dict[str, Setting]:
    """What ``environment`` of a program says."""
    told = program.options.get("environment")
    if told is None:
        return {}
    return {
        match["name"]: Setting(_filled(match["value"].strip("\"'"), known), told.where)
        for match in _pair.finditer(told.value)
    }


def _sections(file: File) -> Iterator[_Program]:
    """Each section with its options; a line that begins with a blank goes on with the option before it."""
    current: _Program | None = None
    key = ""
    for number, text in file.lines:
        bare = re.split(r"\s;", text, maxsplit=1)[0].rstrip()
        if not bare or bare[0] in ";#":
            continue
        head = _section.match(bare)
        if head is not None:
            if current is not None:
                yield current
            current, key = _Program(head["name"]), ""
        elif current is not None and bare[0].isspace() and key:
            before = current.options[key]
            current.options[key] = Setting(f"{before.value} {bare.strip()}".strip(), before.where)
        elif current is not None and (equals := re.match(r"(?P<key>[\w-]+)\s*[=:]\s*(?P<value>.*)", bare)):
            key = equals["key"].lower()
            current.options[key] = Setting(equals["value"], file.at(number))
    if current is not None:
        yield current


def _of_program(program: _Program, group: str, variables: Mapping[str, File]) -> Iterator[Declaration]:
    count = _number(program, "numprocs", 1)
    first = _number(program, "numprocs_start", 0)
    pattern = program.options.get("process_name")
    for number in range(first, first + min(count, MOST)):
        known = {"program_name": program.name, "group_name": group or program.name, "process_num": str(number)}
        process = _filled(pattern.value, known) if pattern is not None else program.name
        owner = group or program.name
        name = process if process == owner else f"{owner}:{process}"
        yield from _of_process(program, name, known, variables)


def _of_process(
    program: _Program, name: str, known: Mapping[str, str], variables: Mapping[str, File]
) -> Iterator[Declaration]:
    settings = _settings(program, known)
    folder = program.options.get("directory")
    beside = variables.get(folder.value.rstrip("/")) if folder is not None else None
    if beside is not None:
        settings = dict(environment.read(beside)) | settings
    found = list(environment.claims(settings, name))
    command = program.options.get("command")
    if command is not None:
        words = split_words(_filled(command.value, known))
        words = [part for word in words for part in (word.replace(";", " ").split() if " " in word else [word])]
        found += [(claim, command.where) for claim in arguments.claims(words, name)]
    for claim, where in found:
        yield declaration(claim, name, where, "supervisord")


def _filled(text: str, known: Mapping[str, str]) -> str:
    """``80%(process_num)02d``; what is not known here stays as it is written."""

    def value(match: re.Match[str]) -> str:
        found = known.get(match["name"])
        if found is None:
            return match[0]
        digits = match["form"][:-1]
        return found.rjust(int(digits), "0" if digits.startswith("0") else " ") if digits[:4].isdigit() else found

    return _expansion.sub(value, text)


def _number(program: _Program, key: str, default: int) -> int:
    setting = program.options.get(key)
    return int(setting.value) if setting is not None and re.fullmatch(r"\d{1,5}", setting.value) else default
