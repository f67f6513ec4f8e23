"""Docker Compose: the containers of one service of a project, as one service ``PROJECT/SERVICE``."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from console.core.command import Command, Effect, quote
from console.core.plan import ActionKind, Check, Swap
from console.core.probe import ParseError, Probe
from console.core.release import Recipe, Release, ReleaseBook, Signature
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import LogLine
from console.managers import container_commands as commands
from console.managers import container_difference, container_releases
from console.managers.as_user import AS_USER, as_its_user
from console.managers.container_images import IMAGES
from console.managers.container_services import Told, as_service, chained
from console.managers.containers import NAME, Container, Project

_WORST = (State.FLAPPING, State.FAILED, State.UNKNOWN, State.STARTING, State.RUNNING, State.STOPPED)
"""A service of which some containers run and others were stopped does run."""
NO_CONTAINER = "no container"
_named = re.compile(r"(?:(?:docker|podman)/)?([^/]+)/([^/]+)")
"""Project and service; the engine stands in front of a project that an earlier one has too."""

# Asked when a project appears or one of its files changes; Compose 1 takes a second for it.
# "as=USER" in front: with whose rights.
_DECLARED = f"""
case $1 in as=*) hd_as=${{1#as=}}; shift; set -- sh -c {quote((AS_USER,))} sh "$hd_as" "$@" ;; esac
if command -v timeout >/dev/null 2>&1; then set -- timeout 20 "$@"; fi
exec "$@" config --services
"""
_FILES = """
for hd_f in "$@"; do
  if [ -f "$hd_f" ] && [ -r "$hd_f" ]; then stat -c 'file %Y.%i %n' -- "$hd_f"
  elif [ -e "$hd_f" ] && [ ! -f "$hd_f" ]; then echo "special 0 $hd_f"
  elif [ -e "$hd_f" ]; then echo "hidden 0 $hd_f"
  else echo "none 0 $hd_f"
  fi
done
"""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a project is declared, and the words with which Compose reads it."""

    project: str
    words: tuple[str, ...]
    files: tuple[str, ...]
    told: Told

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it the same source as before."""
        return (*self.words, self.project, *self.files)

    @property
    def client(self) -> tuple[str, ...]:
        """The words with the rights of the user whose engine it is."""
        return _with_rights(self.told, self.words)

    @property
    def asked(self) -> tuple[str, ...]:
        """The same for ``DECLARED``: no argument of a probe has several lines."""
        scope = self.told.engine.scope
        return self.words if scope == "system" else (f"as={scope.removeprefix('user:')}", *self.words)


def parse_declared(text: str) -> tuple[str, ...]:
    """The services that a project declares."""
    names = tuple(line.strip() for line in text.split("\n") if line.strip())
    for name in names:
        if not NAME.fullmatch(name):
            raise ParseError("a name of a service", name)
    return names


def parse_files(text: str) -> Mapping[str, tuple[str, str]]:
    """What is known of each file: ``file``, ``special``, ``hidden`` or ``none``, and a word that changes with it.

    ``special`` is what is no regular file: a FIFO or a device has no end.
    """
    found = {}
    for line in text.split("\n"):
        tag, _, rest = line.partition(" ")
        stamp, _, path = rest.partition(" ")
        if tag not in ("file", "special", "hidden", "none") or not path:
            raise ParseError("file STAMP PATH", line)
        found[path] = (tag, stamp)
    return found


DECLARED: Probe[tuple[str, ...]] = Probe(
    "compose_declared", _DECLARED, parse_declared, slow=True, cached=False, timeout=25.0
)
FILES: Probe[Mapping[str, tuple[str, str]]] = Probe("compose_files", _FILES, parse_files, slow=True, cached=False)


def sources(told: Iterable[Told]) -> tuple[Source, ...]:
    """Every project that has a container or had one, where its files are named."""
    found: dict[tuple[str, ...], Source] = {}
    for one in told:
        words = one.engines.compose_words(one.engine)
        living = (each.project for each in one.containers if each.project is not None)
        for project in (*living, *one.gone):
            if project.files:
                source = Source(project.name, _compose(words, project) if words else (), project.files, one)
                found.setdefault(source.key, source)
    return tuple(found.values())


def services(told: Iterable[Told], declared: Mapping[tuple[str, ...], tuple[str, ...]]) -> tuple[Service, ...]:
    """The services of all projects; ``declared`` are the names of each source, by its key."""
    return tuple(service for service, _ in _found(tuple(told), declared).values())


def lost(told: Iterable[Told], declared: Mapping[tuple[str, ...], tuple[str, ...]]) -> frozenset[ServiceRef]:
    """Those of an engine that does not answer now."""
    return frozenset(ref for ref, (_, one) in _found(tuple(told), declared).items() if one.lost)


def _found(
    told: tuple[Told, ...], declared: Mapping[tuple[str, ...], tuple[str, ...]]
) -> dict[ServiceRef, tuple[Service, Told]]:
    found: dict[ServiceRef, tuple[Service, Told]] = {}
    groups = _groups(told)
    for one in told:
        services: dict[tuple[str, str], list[Container]] = defaultdict(list)
        for each in one.containers:
            if each.project is not None:
                services[each.project.name, each.project.service].append(each)
        for (project, name), members in services.items():
            members.sort(key=lambda member: member.name)
            service = _service(one, groups[one.engine.path, project], project, name, members)
            found[service.ref] = service, one
    for source in sources(told):
        for name in declared.get(source.key, ()):
            service = _absent(source, groups[source.told.engine.path, source.project], name)
            found.setdefault(service.ref, (service, source.told))
    return found


def _groups(told: tuple[Told, ...]) -> Mapping[tuple[str, str], str]:
    """What each project of each engine is called: of two with one name the second bears that of its engine in front.

    Those of a user's own engine are that user's already.
    """
    taken: dict[tuple[str, str], str] = {}
    found = {}
    for one in told:
        living = {each.project.name for each in one.containers if each.project is not None}
        for project in living | {each.name for each in one.gone}:
            first = taken.setdefault((one.engine.scope, project), one.engine.path)
            mine = first == one.engine.path
            found[one.engine.path, project] = project if mine else f"{one.engine.kind}/{project}"
    return found


def _service(told: Told, group: str, project: str, name: str, members: list[Container]) -> Service:
    parts = [as_service(told, member, "compose", f"{group}/{name}") for member in members]
    worst = min(parts, key=lambda part: _WORST.index(part.state))
    up = sum(member.runs for member in members)
    native = worst.native_state if len(parts) == 1 else f"{up}/{len(parts)} {worst.native_state}"
    came = members[0].project
    files = came.files if came is not None else ()
    health = next((part.health for part in parts if part.health == "unhealthy"), worst.health)
    worst = replace(
        worst,
        native_state=native,
        pids=tuple(pid for part in parts for pid in part.pids),
        never_ran=all(part.never_ran for part in parts),
        restarts=sum(part.restarts or 0 for part in parts),
        ports=tuple(sorted({port for part in parts for port in part.ports})),
        wants=tuple(sorted({port for part in parts for port in part.wants})),
        health=health,
        health_seconds=max((part.health_seconds for part in parts if part.health_seconds is not None), default=None),
        enabled=next((part.enabled for part in parts if part.enabled is not None), None),
        members=tuple(member.name for member in members),
        member_ports=tuple((each.name, port) for each in members for port in each.ports) if len(members) > 1 else (),
        group=group,
        unit_file=files[0] if files else None,
        drop_ins=files[1:],
        file_tool=_file_tool(told, came),
    )
    return replace(worst, chain=chained(told, worst, f"{project}/", told.engine.kind, f"compose {project}", name))


def _absent(source: Source, group: str, name: str) -> Service:
    words, missing = source.words, None
    if not words:
        missing = "this host has no Compose: install docker-compose or the plugin docker-compose-plugin"
    return Service(
        ServiceRef("", "compose", f"{group}/{name}", source.told.engine.scope),
        State.STOPPED,
        NO_CONTAINER,
        daemon=source.told.engine.pid,
        tool=words,
        tool_missing=missing,
        file_tool=source.client,
        group=group,
        unit_file=source.files[0],
        drop_ins=source.files[1:],
        chain=(source.told.engine.kind, f"compose {source.project}", name),
    )


def _file_tool(told: Told, project: Project | None) -> tuple[str, ...]:
    words = told.engines.compose_words(told.engine)
    if project is None or not project.files or not words:
        return ()
    compose = _compose(words, project)
    if told.tool[:1] != ("sudo",):
        return _with_rights(told, compose)
    return ("sudo", "-n", "--", *compose) if told.engine.scope == "system" else ()


def _with_rights(told: Told, words: tuple[str, ...]) -> tuple[str, ...]:
    """Which files a project has, and so what is read for it, is said by whoever may use the engine."""
    return as_its_user(ServiceRef("", "compose", "", told.engine.scope), words) if words else ()


def _compose(words: tuple[str, ...], project: Project) -> tuple[str, ...]:
    """With a file given, Compose takes its folder for the project's, which the label may tell otherwise."""
    files = tuple(word for file in project.files for word in ("-f", file))
    folder = ("--project-directory", project.directory) if project.directory else ()
    return (*words, "-p", project.name, *folder, *files)


class Compose:
    """The manager of the services of projects. It has no presence of its own: Docker's loop tells of it."""

    id = "compose"
    priority = 4
    releases = IMAGES
    comparison = container_difference.DIFFERENCE

    def probes(self) -> tuple[Probe[Any], ...]:
        """What is asked through the shell; that of releases is told by Docker."""
        return (DECLARED, FILES)

    def takes_effect(self, service: Service, file: str | None) -> str:
        """``up`` makes a container anew whose declaration changed; a restart keeps the old one."""
        tool = service.file_tool or ("docker", "compose", *(("-f", file) if file is not None else ()))
        return quote((*tool, "up", "-d", _which(service)[1]))

    def start(self, service: Service) -> Command:
        """Start its containers, or make one where there is none."""
        if service.native_state == NO_CONTAINER:
            return _by_file(service, "up", "-d", "--no-deps")
        return commands.change(_known(service), "start")

    def stop(self, service: Service) -> Command:
        """Stop all its containers; where there was none, those that a start has made."""
        if service.native_state == NO_CONTAINER:
            return _by_file(service, "stop")
        return commands.change(_known(service), "stop")

    def restart(self, service: Service) -> Command:
        """Stop and start the same containers."""
        return commands.change(_known(service), "restart")

    def signal(self, service: Service, name: str) -> Command:
        """Send a signal to the main process of each of its containers."""
        return commands.change(_known(service), "kill", f"--signal={name}")

    def is_running(self, service: Service, *, hold: float) -> Check:
        """All its containers are up and none is unhealthy."""
        return commands.is_running(service, _which(service), hold)

    def is_stopped(self, service: Service) -> Check:
        """None of its containers is up or about to be."""
        return commands.is_stopped(service, _which(service))

    def own_health(self, service: Service) -> tuple[Check, ...]:
        """By the health checks of its containers, where they have one."""
        return container_releases.health(_known(service)) if service.health else ()

    def has_network_of(self, service: Service, owner: Service) -> Check:
        """By when both were started."""
        return commands.has_network_of(service, owner)

    def how_ended(self, service: Service, kind: ActionKind) -> Check | None:
        """By what its engine remembers."""
        return commands.how_ended(service, kind)

    def run_id(self, service: Service) -> Command:
        """Process, identity and start of each of its containers."""
        return commands.run_id(service, _which(service))

    def holds_port(self, service: Service, endpoint: Endpoint) -> Command:
        """Whether one of its containers publishes the port."""
        return commands.holds_port(service, _which(service), endpoint)

    def why_not(self, service: Service, kind: ActionKind) -> str | None:
        """Without a container it can only be started."""
        if service.native_state == NO_CONTAINER and kind not in (ActionKind.START, ActionKind.FREE_PORT):
            return f"{service.ref.name} has no container: start it"
        # Compose knows no reload, and whether SIGHUP is handled is seen of one process only.
        if kind is ActionKind.RELOAD and len(service.members) > 1:
            count = len(service.members)
            return f"{service.ref.name} has {count} containers, and SIGHUP could end those that do not handle it"
        if kind in (ActionKind.REBUILD, ActionKind.ROLLBACK):
            return _not_by_file(service)
        return commands.why_not(service, kind)

    def release_words(self, service: Service, recipe: Recipe | None) -> tuple[str, ...]:
        """The images of its repository."""
        if service.native_state == NO_CONTAINER:
            raise ValueError(f"{service.ref.name} has no container: start it")
        if (why_not := _not_by_file(service)) is not None:
            raise ValueError(why_not)
        return container_releases.book_words(_with_image(service), recipe)

    def comparison_words(
        self, service: Service, recipe: Recipe | None, live: Release, target: Release
    ) -> tuple[str, ...]:
        """Both images, and the commits that they were built from."""
        return container_difference.words(_known(service), recipe, live, target)

    def roll_back(self, service: Service, target: Release, live: Release | None, by: Signature) -> Swap:
        """The tag that its file names, moved back to a former image, and its containers made again."""
        return container_releases.recomposed(_with_image(service), _up_words(service), target, live, by)

    def rebuild(
        self, service: Service, recipe: Recipe | None, target: Release, book: ReleaseBook, by: Signature
    ) -> Swap:
        """``compose build``, and its containers made again."""
        made, told = recipe or Recipe(), container_releases.build_arguments(target, by)
        words = (*service.file_tool, "build", *told, _which(service)[1])
        return container_releases.composed(_with_image(service), made, words, _up_words(service), target, book, by)

    def disposed(self, service: Service) -> str | None:
        """One that was made with ``--rm``."""
        return commands.disposed(service)

    def log_command(self, service: Service, *, lines: int, since: float | None, follow: bool) -> Command:
        """The logs of all its containers."""
        return commands.log_command(service, _which(service), lines, since, follow)

    def control_groups(self, service: Service) -> tuple[str, ...]:
        """Those of its containers, each of which may have several processes here."""
        return tuple(map(str, service.pids))

    def environment_words(self, service: Service) -> tuple[str, ...]:
        """What its containers were made with, and their process."""
        return commands.environment_words(service)

    def log_line(self, ref: ServiceRef, text: str) -> LogLine | None:
        """Read one line with its time, and its container where there are several."""
        return commands.log_line(ref, text)


COMPOSE = Compose()


def _which(service: Service) -> commands.Which:
    found = _named.fullmatch(service.ref.name)
    if found is None or not NAME.fullmatch(found[1]) or not NAME.fullmatch(found[2]):
        raise ValueError(f"{service.ref.name!r} is no service of a project: PROJECT/SERVICE")
    return found[1], found[2]


def _by_file(service: Service, verb: str, *options: str) -> Command:
    """What needs the project's files."""
    argv = (*service.file_tool, verb, *options, _which(service)[1])
    return Command(argv, timeout=300.0, effect=Effect.CHANGE, purpose=f"{verb} {service.ref.name}")


def _up_words(service: Service) -> tuple[str, ...]:
    name = _which(service)[1]
    scale = ("--scale", f"{name}={len(service.members)}") if len(service.members) > 1 else ()
    return (*service.file_tool, "up", "--no-deps", "--no-build", "--force-recreate", *scale, name)


def _not_by_file(service: Service) -> str | None:
    """Why it cannot be made again by the files of its project."""
    if not service.file_tool:
        return f"{service.ref.name} cannot be made again: its project's files are not told, or this host has no Compose"
    return None


def _known(service: Service) -> Service:
    """Its containers by their names, which were looked up; nothing is guessed from its own."""
    if not service.members:
        raise ValueError(f"{service.ref.name} has no container")
    return service


def _with_image(service: Service) -> Service:
    """With the tag of its image: Compose 1 makes a container of what it has built without naming that."""
    known, (project, name) = _known(service), _which(service)
    return replace(known, image=f"{project}_{name}") if (known.image or "").startswith("sha256:") else known
