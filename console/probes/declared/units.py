"""Unit files of systemd: variables, commands and sockets, with drop-ins and overriding, systemd.unit(5)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from console.core.declaration import Declaration
from console.probes.declared import arguments, environment
from console.probes.declared.environment import Setting
from console.probes.declared.files import File, declaration, joined
from console.probes.declared.names import Claim, read_place
from console.probes.declared.words import split_words

ORDER = ("/etc/", "/run/", "/usr/local/", "/usr/", "/lib/")
"""A file here hides one of the same name in a later place."""
_variable = re.compile(r"\$(?:\{(?P<braced>\w+)\}|(?P<plain>\w+))")
_dropin = re.compile(r"/(?P<unit>[^/]+\.(?:service|socket))\.d/[^/]+\.conf\Z")


FILTER = r"""
# Variables of which commands speak count under any name.
function wants(s,   n) {
  while (match(s, /\$\{?[A-Za-z_][A-Za-z0-9_]*/)) {
    n = substr(s, RSTART + 1, RLENGTH - 1)
    s = substr(s, RSTART + RLENGTH)
    sub(/^\{/, "", n)
    if (!(n in wanted)) { wanted[n] = 1; print "want\t" n }
  }
}
function unit(n, s,   e, k, v, more) {
  s = clean(s)
  if (s ~ /^[#;]/) return
  more = sub(/\\$/, "", s)
  if (going != "") k = going
  else {
    e = index(s, "=")
    k = substr(s, 1, e - 1)
    sub(/[ \t]+$/, "", k)
    s = clean(substr(s, e + 1))
  }
  v = setting(k, s, going != "")
  # What goes on in the next line is told as one line, which keeps its number.
  if (k ~ /^(Environment|ExecStart)$/ && (v != "" || s == "" || more || going != ""))
    send(n, (going == "" ? k "=" : "") v (more ? " \\" : ""))
  else if (v != "") send(n, k "=" v)
  going = more ? k : ""
}
function setting(k, v, on,   m, i, s, out, kept, program) {
  if (k == "Environment") {
    m = words(v)
    for (i = 1; i <= m; i++) kept[i] = word[i]
    for (i = 1; i <= m; i++) {
      s = variable(kept[i])
      if (s != "") out = out " " (s ~ /"/ ? "\047" strip(s) "\047" : s)
    }
    return substr(out, 2)
  }
  if (k == "ExecStart") {
    m = words(v)
    if (on) return command(m, 1)
    python = 0
    program = m ? word[1] : ""
    sub(/^[-@:+!|]+/, "", program)
    # What these take for -p is a password.
    if (program ~ /(^|\/)(sshpass|mysql|mysqldump|mysqladmin|mariadb)$/) return ""
    out = command(m, 2)
    daemon(program, out)
    return out == "" ? "" : program " " out
  }
  if (k == "EnvironmentFile" && v ~ /^-?\//) refer("env", owner, "", substr(v, index(v, "/")))
  else if (k == "WorkingDirectory" && v ~ /^-?\/./ && path !~ /^\/(usr\/)?lib\//) {
    sub(/\/+$/, "", v)
    refer("env", owner, "", substr(v, index(v, "/")) "/.env")
  }
  else if (k !~ /^Listen(Stream|Datagram)$/ || !place(v)) return ""
  return v
}
function strip(s) { gsub(/"/, "", s); return s }
# Programs that have files of their own, and where the command says that one is.
function daemon(p, options,   k, flag) {
  sub(/.*\//, "", p)
  if (p ~ /^(apache2|apache2ctl|apachectl|httpd)$/) p = "apache"
  else if (p ~ /^(mysqld|mysqld_safe|mariadbd)$/) p = "mysql"
  else if (p == "redis-server") p = "redis"
  else if (p == "pm2") p = "ecosystem"
  else if (p !~ /^(nginx|haproxy|sshd|supervisord)$/) return
  print "runs\t" p "\t" owner
  k = split(options, word, / /)
  flag = p == "haproxy" ? "-f" : "-c"
  for (; k > 0; k--)
    if (config(word[k]) && (word[k - 1] == flag || p ~ /^(redis|ecosystem)$/)) refer(p, owner, "", word[k])
}
"""


@dataclass(slots=True)
class Unit:
    """What is known of one unit; filled line by line."""

    name: str
    variables: dict[str, Setting] = field(default_factory=dict)
    from_files: list[str] = field(default_factory=list)
    """Paths of ``EnvironmentFile=``."""
    commands: list[tuple[str, str]] = field(default_factory=list)
    """Each with its place."""
    sockets: list[tuple[Claim, str]] = field(default_factory=list)
    directory: str = ""


def declarations(
    files: Sequence[File], instances: Mapping[str, Sequence[str]], scope: str = "system"
) -> Iterator[Declaration]:
    """What the units claim. ``files`` may hold files of variables too; ``instances`` are those of each template."""
    units = [file for file in files if file.kind == "unit"]
    variables = {file.path: file for file in files if file.kind == "env"}
    for name, own in grouped(units).items():
        for instance in instances.get(name, ()) if "@." in name else (name,):
            yield from _of_unit(read_unit(instance, own), variables, scope)


def grouped(files: Iterable[File]) -> dict[str, tuple[File, ...]]:
    """The file that counts of each unit, then its drop-ins in the order of their names."""
    main: dict[str, File] = {}
    extra: dict[str, dict[str, File]] = {}
    for file in sorted(files, key=_rank):
        match = _dropin.search(file.path)
        if match is None:
            main.setdefault(file.name, file)
        else:
            extra.setdefault(match["unit"], {}).setdefault(file.name, file)
    return {
        name: (file, *(part for _, part in sorted(extra.get(name, {}).items()))) for name, file in main.items()
    }  # fmt: skip


def _rank(file: File) -> int:
    return next((place for place, start in enumerate(ORDER) if file.path.startswith(start)), len(ORDER))


def read_unit(name: str, files: tuple[File, ...]) -> Unit:
    """The settings of a unit: what is assigned later counts, an empty assignment forgets what was there."""
    unit = Unit(name)
    for file in files:
        for number, text in joined(file.lines):
            key, equals, value = text.partition("=")
            if equals and not text.lstrip().startswith(("#", ";")):
                _take(unit, key.strip(), _specified(value.strip(), name), file.at(number))
    return unit


def _take(unit: Unit, key: str, value: str, where: str) -> None:
    if key == "Environment":
        if not value:
            unit.variables.clear()
        for word in split_words(value):
            name, equals, given = word.partition("=")
            if equals:
                unit.variables[name] = Setting(given, where)
    elif key == "EnvironmentFile":
        unit.from_files = [*unit.from_files, value.removeprefix("-")] if value else []
    elif key == "ExecStart":
        unit.commands = [*unit.commands, (value.lstrip("@-:+!|"), where)] if value else []
    elif key == "WorkingDirectory":
        unit.directory = value.removeprefix("-").rstrip("/")
    elif key in ("ListenStream", "ListenDatagram"):
        claim = _socket(value, "tcp" if key == "ListenStream" else "udp", f"{key}={value}")
        unit.sockets = [] if not value else [*unit.sockets, *([(claim, where)] if claim else [])]


def _socket(value: str, protocol: str, text: str) -> Claim | None:
    """A port alone is of both IP versions: systemd listens on ``[::]``."""
    place = None if "://" in value else read_place(value)
    return Claim(protocol, place.address, place.port, text=text) if place is not None else None


def _of_unit(unit: Unit, files: Mapping[str, File], scope: str) -> Iterator[Declaration]:
    for claim, where in unit.sockets:
        yield declaration(claim, unit.name, where, "systemd", scope)
    if unit.name.endswith(".socket"):
        return
    settings = dict(unit.variables)
    for path in unit.from_files:
        for file in _matching(path, files):
            settings |= dict(environment.read(file))
    beside = files.get(f"{unit.directory}/.env") if unit.directory else None
    if beside is not None:
        # The usual readers of such a file leave alone what is set already.
        settings = dict(environment.read(beside)) | settings
    for claim, where in (*environment.claims(settings, unit.name), *_of_commands(unit, settings)):
        yield declaration(claim, unit.name, where, "systemd", scope)


def _matching(path: str, files: Mapping[str, File]) -> list[File]:
    if path in files:
        return [files[path]]
    if "*" not in path and "?" not in path:
        return []
    pattern = re.compile("".join({"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char)) for char in path))
    return [file for name, file in sorted(files.items()) if pattern.fullmatch(name)]


def _of_commands(unit: Unit, settings: Mapping[str, Setting]) -> Iterator[tuple[Claim, str]]:
    for command, where in unit.commands:
        words = [part for word in split_words(command) for part in _expanded(word, settings)]
        yield from ((claim, where) for claim in arguments.claims(words, unit.name))


def _expanded(word: str, settings: Mapping[str, Setting]) -> list[str]:
    """``$NAME`` as a word of its own becomes the words of its value; within a word it stays one."""
    alone = _variable.fullmatch(word)
    if alone is not None and alone["plain"] is not None:
        setting = settings.get(alone["plain"])
        return split_words(setting.value) if setting is not None else []
    text = _variable.sub(lambda match: _value(settings, match["braced"] or match["plain"]), word)
    return text.replace(";", " ; ").split() if " " in text else [text]


def _value(settings: Mapping[str, Setting], name: str) -> str:
    setting = settings.get(name)
    return setting.value if setting is not None else ""


def _specified(value: str, name: str) -> str:
    """With the specifiers that name the unit itself, systemd.unit(5)."""
    if "%" not in value:
        return value
    stem = name.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    known = {"i": instance, "I": instance.replace("-", "/"), "n": name, "N": stem, "p": prefix, "%": "%"}
    return re.sub(r"%([iInNp%])", lambda match: known[match[1]], value)
