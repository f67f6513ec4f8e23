"""Files of environment variables: ``EnvironmentFile=`` of units, ``.env`` of working directories and of Compose."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from console.core.token_shapes import BEGINNINGS, SHORTEST
from console.probes.declared.arguments import named
from console.probes.declared.files import File
from console.probes.declared.names import Claim, address_beside

_line = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(?P<value>.*?)\s*\Z")
_quoted = re.compile(r"(?P<quote>['\"])(?P<value>.*)(?P=quote)(?:\s+#.*)?\Z")


FILTER = r"""
# NAME=VALUE: a place under a name that fits, or options that name one among others.
function variable(w,   e, n, v, out) {
  e = index(w, "=")
  if (e < 2) return ""
  n = substr(w, 1, e - 1)
  v = substr(w, e + 1)
  if (secret(n)) return ""
  if (named(n, v) || (n in wanted && place(v))) return n "=" v
  if (n !~ /OPT|ARG|FLAG|EXTRA|PARAM/ && !(n in wanted)) return ""
  python = 0
  out = command(split(v, word, /[ \t]+/), 1)
  return out == "" ? "" : n "=\"" out "\""
}
# Whether it is worth hiding: neither a switch, a number, a path nor a reference to another variable.
function guarded(n, v) {
  if (v == "" || v ~ /^[$\/]/ || n !~ /^[A-Za-z_][A-Za-z0-9_]*$/ || length(n) > 60) return 0
  if (v ~ /:\/\/[^\/:@ ]*:[^\/@ ]+@/) return 1
  if (length(v) >= @SHORTEST@ && v ~ /^(@BEGINNINGS@)/) return 1
  n = tolower(n)
  if (tolower(v) ~ /^(true|false|yes|no|on|off|none|null|[0-9]?[0-9]?[0-9]?)$/) return 0
  if (n ~ /(file|path|dir|ur[il]|ttl|timeout|name|id|type|length|size|header|algorithm|prefix|expires)$/) return 0
  if (n ~ /pass(word|wd|phrase|code)|pass$|pwd$|secret|token($|[^s])|credential|jwt|dsn$|cookie|api_?key/) return 1
  return n ~ /(^|_)pass(_|$)|(access|private|signing|encryption|auth|master)_?key|(^|_)key$/
}
function env(n, s,   e, v) {
  s = clean(s)
  if (s ~ /^[#;]/) return
  sub(/^export[ \t]+/, "", s)
  e = index(s, "=")
  v = clean(substr(s, e + 1))
  if (v ~ /^"[^"]*"/ || v ~ /^\047[^\047]*\047/) v = substr(v, 2, index(substr(v, 2), substr(v, 1, 1)) - 1)
  else sub(/[ \t]+#.*/, "", v)
  s = substr(s, 1, e - 1)
  sub(/[ \t]+$/, "", s)
  if (e > 1) send(n, variable(s "=" v))
  if (e > 1 && guards < 12 && guarded(s, v)) { guards++; holds = holds "\t" s }
}
""".replace("@BEGINNINGS@", BEGINNINGS).replace("@SHORTEST@", str(SHORTEST))


@dataclass(frozen=True, slots=True)
class Setting:
    """The value of a variable and where it is set."""

    value: str
    where: str


def read(file: File) -> Iterator[tuple[str, Setting]]:
    """The variables of a file in their order."""
    for number, text in file.lines:
        match = None if text.lstrip()[:1] in ("#", ";") else _line.match(text)
        if match is not None:
            yield match["name"], Setting(_plain(match["value"]), file.at(number))


def _plain(value: str) -> str:
    quoted = _quoted.match(value)
    return quoted["value"] if quoted is not None else re.split(r"\s#", value, maxsplit=1)[0].rstrip()


def claims(settings: Mapping[str, Setting], owner: str) -> Iterator[tuple[Claim, str]]:
    """What variables claim, each with its place; an address beside the port, as ``HOST`` beside ``PORT``, is its."""
    values = {name: setting.value for name, setting in settings.items()}
    for name, setting in settings.items():
        for claim in named(name, setting.value, owner, f"{name}={setting.value}"):
            address = address_beside(name, values) if claim.address == "*" else None
            yield (replace(claim, address=address) if address else claim), setting.where
