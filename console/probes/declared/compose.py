"""Compose files: the published ports of each service, in the short and the long syntax, with their variables.

Only the lines that shape the file and those of ports leave the host, so there is no whole YAML document for a YAML
library to read, and none would keep the numbers of lines. What is read is what people write: block style, or a list in
brackets on one line; anchors are passed over, and an alias in the place of ports is not followed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from console.core.declaration import Declaration
from console.probes.declared import environment
from console.probes.declared.files import File, declaration
from console.probes.declared.names import Claim
from console.probes.declared.publish import published, read_publish

_key = re.compile(r"(?P<indent> *)(?P<item>- +)?(?P<name>[\w.\"'-]+) *:(?: +(?P<value>.*))?\s*\Z")
_item = re.compile(r"(?P<indent> *)- *(?P<value>.*?)\s*\Z")
_comment = re.compile(r"(?:\A|\s)#.*")
_variable = re.compile(r"\$(?:\$|(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?P<way>:?[-?+])?(?P<rest>[^{}]*)\})")
_project = re.compile(r"[^a-z0-9_-]")


FILTER = r"""
# The sections, the services, and of these only ports and profiles; then the name of the project.
function compose(n, s,   t, indent) {
  sub(/\r$/, "", s)
  t = clean(s)
  indent = length(s) - length(t)
  if (t == "" || t ~ /^#/) return
  if (depth >= 0 && (indent < depth || (indent == depth && t !~ /^-/))) depth = -1
  if (depth >= 0) {
    if (length(s) < 200 && t !~ /[^][A-Za-z0-9._:*${}? "\047\/,#+-]/) { wants(s); send(n, s) }
  } else if (t ~ /^(ports|profiles) *:/) {
    depth = indent
    wants(s)
    send(n, substr(s, 1, 300))
  } else if (indent == 0 && t ~ /^name *:/) send(n, substr(s, 1, 100))
  else if (t ~ /^[A-Za-z0-9._"\047-]+ *:/ && length(t) < 300) {
    sub(/:.*/, ":", t)
    if (indent == 0) { section = t; inside = 0 }
    else if (section == "services:" && !inside) inside = indent
    if (indent == inside) send(n, substr(s, 1, indent) t)
  }
}
"""


@dataclass(slots=True)
class _Service:
    name: str
    where: File
    short: list[tuple[str, int]] = field(default_factory=list)
    long: list[dict[str, tuple[str, int]]] = field(default_factory=list)
    profiles: list[str] = field(default_factory=list)


def declarations(files: Sequence[File], variables: Mapping[str, File]) -> Iterator[Declaration]:
    """What the services of the project of one folder publish. ``variables`` are the ``.env`` files by their paths."""
    folder = files[0].base or files[0].folder
    beside = variables.get(f"{folder}/.env")
    known = {name: setting.value for name, setting in environment.read(beside)} if beside is not None else {}
    names: list[str] = []
    services = [service for file in files for service in _read(file, names)]
    project = project_name(names[-1] if names else folder.rpartition("/")[2])
    profiles = {service.name: service.profiles[0] for service in services if service.profiles}
    for service in services:
        for claim, number in _claims(service, known):
            profile = profiles.get(service.name)
            shown = replace(claim, text=f"profile {profile}: {claim.text}") if profile else claim
            yield declaration(shown, f"{project}/{service.name}", service.where.at(number), "compose", "")


def project_name(text: str) -> str:
    """The name that Compose makes of that of a folder."""
    return _project.sub("", text.lower()).lstrip("_-")


def _read(file: File, names: list[str]) -> Iterator[_Service]:
    """The services of a file; the name that it gives to the project is added to ``names``."""
    service: _Service | None = None
    path: list[tuple[int, str]] = []
    for number, raw in file.lines:
        text = _comment.sub("", raw).rstrip()
        key, item = _key.match(text), _item.match(text)
        if key is None and item is None:
            continue
        indent = len(text) - len(text.lstrip(" "))
        # A list may begin in the column of its key.
        while path and (path[-1][0] > indent or (path[-1][0] == indent and item is None)):
            path.pop()
        if key is not None and item is None:
            path.append((indent, _plain(key["name"])))
        where = tuple(part for _, part in path)
        if where == ("name",) and key is not None:
            names.append(_plain(key["value"] or ""))
        elif len(where) == 2 and where[0] == "services" and item is None:
            if service is not None:
                yield service
            service = _Service(where[1], file)
        elif len(where) > 2 and where[0] == "services" and service is not None:
            _take(service, where[2:], key, item, number)
    if service is not None:
        yield service


def _take(
    service: _Service, where: tuple[str, ...], key: re.Match[str] | None, item: re.Match[str] | None, number: int
) -> None:
    """One line below a service; ``where`` are the keys above it."""
    value = key["value"] or "" if key is not None and item is None else ""
    if where[0] == "profiles":
        service.profiles += [_plain(item["value"])] if item is not None else _inline(value)
    elif where[0] != "ports":
        return
    elif item is not None and item["value"].startswith("{"):
        pairs = (part.partition(":") for part in item["value"].strip("{} ").split(","))
        service.long.append({_plain(name): (_plain(told), number) for name, _, told in pairs})
    elif item is not None and key is None:
        service.short.append((_plain(item["value"]), number))
    elif key is not None and where == ("ports",) and item is None:
        service.short += [(text, number) for text in _inline(value)]
    elif key is not None:
        if item is not None:
            service.long.append({})
        if service.long:
            service.long[-1][_plain(key["name"])] = (_plain(key["value"] or ""), number)


def _inline(text: str) -> list[str]:
    """``["8080:80", "443:443"]``."""
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return []
    return [_plain(part) for part in text[1:-1].split(",") if part.strip()]


def _plain(text: str) -> str:
    text = re.sub(r"\A&\w+ *", "", text.strip())
    return text[1:-1] if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0] else text


def _claims(service: _Service, variables: Mapping[str, str]) -> Iterator[tuple[Claim, int]]:
    for text, number in service.short:
        claim = read_publish(substituted(text, variables))
        if claim is not None:
            yield replace(claim, text=text), number
    for fields in service.long:
        told = {name: substituted(value, variables) for name, (value, _) in fields.items()}
        first, _, last = told.get("published", "").partition("-")
        target = told.get("target", "")
        if first.isdigit() and (not last or last.isdigit()) and len(first + last) < 11:
            protocol = told.get("protocol", "tcp")
            ends = int(first), int(last or first)
            text = f"published: {fields['published'][0]}" + (f" (target {target})" if target else "")
            claim = published(*ends, 0, told.get("host_ip", ""), protocol, text) if protocol in ("tcp", "udp") else None
            if claim is not None:
                yield claim, fields["published"][1]


def substituted(text: str, variables: Mapping[str, str]) -> str:
    """With its variables, as Compose puts them in; of one without a value nothing is left."""

    def value(match: re.Match[str]) -> str:
        name, way, rest = match["plain"] or match["name"], match["way"] or "", match["rest"] or ""
        if name is None:
            return "$"
        known = variables.get(name)
        there = known is not None and (bool(known) or not way.startswith(":"))
        if way.endswith("-"):
            return known or "" if there else rest
        if way.endswith("+"):
            return rest if there else ""
        return known or ""

    return _variable.sub(value, text)
