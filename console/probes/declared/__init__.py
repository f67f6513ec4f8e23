"""What the files of a host declare: which service will want which port, with file and line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from console.core.declaration import Declaration, Declared, OpenFile
from console.core.probe import ParseError, Probe
from console.core.snapshot import Snapshot
from console.core.work_folders import work_folders
from console.probes.declared import compose, daemons, ecosystem, haproxy, nginx, supervisord, units
from console.probes.declared.files import File, declaration, distinct
from console.probes.declared.nginx_upstreams import upstreams
from console.probes.declared.script import SCRIPT


def parse(text: str) -> Declared:
    """Read the answer of ``SCRIPT``."""
    if text == "same":
        return Declared(same=True)
    told: dict[str, list[str]] = {"hidden": [], "also": [], "instance": [], "runs": [], "user": [], "stamp": []}
    files: list[File] = []
    lines: list[tuple[int, str]] = []
    opened: list[OpenFile] = []
    given: dict[str, list[tuple[str, str]]] = {}
    for line in text.split("\n"):
        head, tab, rest = line.partition("\t")
        if head.isdecimal() and len(head) < 8 and tab and files:
            lines.append((int(head), rest))
        elif head == "file" and rest.count("\t") == 3:
            _end(files, lines)
            kind, owner, base, path = rest.split("\t")
            files.append(File(kind, path, owner, base))
        elif head == "open" and rest.count("\t") >= 3:
            mode, owner, path, *names = rest.split("\t")
            opened.append(
                OpenFile(path, mode.rjust(4, "0"), "" if owner == "-" else owner, tuple(name for name in names if name))
            )
        elif head == "uses" and rest.count("\t") == 2:
            compose_file, service, path = rest.split("\t")
            given.setdefault(path, []).append((compose_file, service))
        elif head in told and tab:
            told[head].append(rest)
        elif line:
            raise ParseError("a line of a file that declares ports", line)
    _end(files, lines)
    if not told["stamp"]:
        raise ParseError("a line with the stamp", text[-200:])
    owners = {kind: unit for kind, _, unit in (each.partition("\t") for each in told["runs"])}
    return Declared(
        declarations(tuple(files), owners, tuple(told["instance"]), next(iter(told["user"]), "")),
        tuple(dict.fromkeys(told["hidden"])),
        tuple(_twice(files, owners)),
        tuple(replace(one, given=tuple(given.get(one.path, ()))) for one in opened),
        told["stamp"][-1],
        tuple(told["also"]),
        upstreams=tuple(upstreams([file for file in files if file.kind == "nginx"], _nginx(owners))),
    )


def _end(files: list[File], lines: list[tuple[int, str]]) -> None:
    """Give the last file its lines."""
    if files and lines:
        last = files[-1]
        files[-1] = File(last.kind, last.path, last.owner, last.base, tuple(lines))
    lines.clear()


def declarations(
    files: tuple[File, ...], owners: Mapping[str, str], instances: tuple[str, ...], user: str
) -> tuple[Declaration, ...]:
    """What all these files claim. ``owners`` are the units that run each kind of daemon."""
    kinds = _by_kind(files)
    known = {file.path: file for file in kinds.get("env", ())}
    templates: dict[str, list[str]] = {}
    for name in dict.fromkeys(instances):
        stem, _, ending = name.rpartition(".")
        templates.setdefault(f"{stem.partition('@')[0]}@.{ending}", []).append(name)
    found = [*units.declarations([*kinds.get("unit", ()), *kinds.get("env", ())], templates)]
    found += units.declarations([*kinds.get("user", ()), *kinds.get("env", ())], {}, f"user:{user}")
    folders: dict[str, list[File]] = {}
    for file in kinds.get("compose", ()):
        folders.setdefault(file.folder, []).append(file)
    for project in folders.values():
        found += compose.declarations(project, known)
    supervisor = owners.get("supervisord", "supervisor.service")
    found += supervisord.declarations(kinds.get("supervisord", ()), known, supervisor)
    for file in kinds.get("ecosystem", ()):
        found += ecosystem.declarations(file)
    return distinct((*found, *_of_daemons(kinds, owners)))


def _by_kind(files: Iterable[File]) -> dict[str, list[File]]:
    kinds: dict[str, list[File]] = {}
    for file in files:
        kinds.setdefault(file.kind, []).append(file)
    return kinds


def _of_daemons(kinds: Mapping[str, list[File]], owners: Mapping[str, str]) -> Iterator[Declaration]:
    """What daemons with files of their own claim; those of one that no unit runs may be left from long ago."""
    for kind, files in kinds.items():
        owner = files[0].owner or owners.get(kind, f"{kind}.service")
        found: Iterable[Declaration] = ()
        if kind == "nginx":
            found = nginx.declarations(files, owner, "systemd")
        elif kind == "haproxy":
            found = (one for file in files for one in haproxy.declarations(file, file.owner or owner, "systemd"))
        elif kind in daemons.KINDS:
            found = daemons.declarations(kind, files, owner)
        lives = kind in owners or any(file.owner for file in files) or kind == "postgres"
        yield from (one if lives else replace(one, sure=False) for one in found)


def _twice(files: Sequence[File], owners: Mapping[str, str]) -> Iterator[tuple[Declaration, Declaration]]:
    found = nginx.twice([*nginx.listens(file for file in files if file.kind == "nginx")])
    if found is not None:
        owner = _nginx(owners)
        first, second = (declaration(one.claim, owner, one.where, "systemd") for one in found)
        yield first, second


def _nginx(owners: Mapping[str, str]) -> str:
    return owners.get("nginx", "nginx.service")


def words(snapshot: Snapshot) -> tuple[str, ...]:
    """The arguments of the next look: what is known already, and what service managers named."""
    known = snapshot.declared or Declared()
    return (known.stamp, *(known.also if known.stamp else ()), *named(snapshot))


def named(snapshot: Snapshot) -> tuple[str, ...]:
    """The Compose files of which an engine told, and the folders in which other services are started."""
    projects = (s for s in snapshot.services if s.ref.manager == "compose")
    files = dict.fromkeys(path for service in projects for path in (service.unit_file, *service.drop_ins) if path)
    given = [f"+{path}" for path in files if path.startswith("/") and path.isprintable()]
    others = (service for service in snapshot.services if service.ref.manager != "compose")
    folders = dict.fromkeys(folder for service in others for folder in work_folders(service))
    return (*given, *(f"={folder}" for folder in folders))


PROBE: Probe[Declared] = Probe(
    "declarations",
    SCRIPT,
    parse,
    requires=("awk", "stat"),
    every=300.0,
    slow=True,
    cached=False,
    timeout=8.0,
    killed_after=4.0,
    shown="(what declares the port: unit files, their environment files, Compose files, configurations of daemons)",
)
"""``[STAMP [FILE...]]``: all that files declare, or only that nothing changed since that stamp."""
