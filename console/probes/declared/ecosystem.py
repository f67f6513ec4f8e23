"""Ecosystem files of pm2: the port in the ``env`` or the ``args`` of each app, and the ``.env`` in its ``cwd``.

They are programs in JavaScript, which nobody runs for a look: what is read are lines of the form ``name: "api"``,
``PORT: 8080`` and ``args: "--port 8080"``, also where all stand on one line.
"""

import re
from collections.abc import Iterator

from console.core.declaration import Declaration
from console.probes.declared import arguments
from console.probes.declared.files import File, declaration
from console.probes.declared.names import Claim
from console.probes.declared.words import split_words

_entry = re.compile(
    r"(?P<quote>[\"']?)(?P<key>[A-Za-z_]\w*)(?P=quote)\s*:\s*"
    r"(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|`(?P<back>[^`$]*)`|(?P<bare>[\w.]+))"
)


FILTER = r"""
function ecosystem(n, s,   out, t, e, k, v, folder) {
  folder = path
  sub(/\/[^\/]*$/, "", folder)
  while (match(s, /["\047]?[A-Za-z_][A-Za-z0-9_]*["\047]?[ \t]*:[ \t]*("[^"]*"|\047[^\047]*\047|[A-Za-z0-9_.]+)/)) {
    t = substr(s, RSTART, RLENGTH)
    s = substr(s, RSTART + RLENGTH)
    e = index(t, ":")
    k = substr(t, 1, e - 1)
    gsub(/["\047 \t]/, "", k)
    v = clean(substr(t, e + 1))
    gsub(/["\047]/, "", v)
    if (k == "cwd" && v != "" && v !~ /[$\t]/) {
      sub(/\/+$/, "", v)
      refer("env", "", folder, v "/.env")
    }
    if (k == "args") v = command(split(v, word, /[ \t]+/), 1)
    else if (k == "name" ? length(v) > 100 : !named(k, v)) v = ""
    if (v != "") out = out ", " k ": \"" v "\""
  }
  if (out != "") send(n, substr(out, 3))
}
"""


def declarations(file: File) -> Iterator[Declaration]:
    """What its apps claim, in whichever user's daemon they run."""
    name, early = "", list[tuple[Claim, int]]()
    for number, text in file.lines:
        for match in _entry.finditer(text):
            value = next((match[key] for key in ("double", "single", "back", "bare") if match[key] is not None), "")
            if match["key"] == "name":
                name = value
            else:
                early += [(claim, number) for claim in _claims(match["key"], value, name)]
            if name:
                for claim, at in early:
                    yield declaration(claim, name, file.at(at), "pm2", "")
                early = []


def _claims(key: str, value: str, name: str) -> Iterator[Claim]:
    if key == "args":
        yield from arguments.claims(["app", *split_words(value)], name)
    else:
        yield from arguments.named(key, value, name, f"{key}: {value}")
