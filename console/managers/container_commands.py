"""What is done to containers and asked of them, in the words of the tool that answers for them."""

import re
from dataclasses import replace

from console.core.command import Command, Effect, quote
from console.core.log_text import service_line
from console.core.plan import ActionKind, Check
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import LogLine
from console.managers import container_scripts as scripts
from console.managers.beside import beside_words
from console.managers.container_services import REMOVED
from console.managers.containers import NAME, when

_TIMEOUT = 120.0
"""Seconds for a change: a container has ten to end, unless it is given more."""
_LOOK = 15.0
_ENVIRONMENT = "{{range .Config.Env}}{{json .}}{{println}}{{end}}"
_log_line = re.compile(
    r"(?:(?P<name>[A-Za-z0-9][\w.-]*)\t)?(?:(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[0-9.]*\S*) ?)?(?P<text>.*)"
)
_paused = re.compile(r"(?:\A|\d/\d+ )paused\b")

Which = tuple[str, str]
"""``("", NAME)`` of a container, ``(PROJECT, SERVICE)`` of a service of Compose."""


def words(service: Service) -> tuple[str, ...]:
    """The tool of the containers of a service, also of one that has none and is only known to Compose."""
    tool = service.tool or ("docker",)
    if "docker-compose" in tool:
        at = tool.index("docker-compose")
        socket = tool[at + 1 : at + 3] if tool[at + 1 : at + 2] == ("-H",) else ()
        return (*tool[:at], "docker", *socket)
    return tool[: tool.index("compose")] if "compose" in tool else tool


def names(service: Service) -> tuple[str, ...]:
    """The containers of a service; raises ``ValueError`` for what no container can be called."""
    found = service.members or (service.ref.name,)
    for name in found:
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a container: letters, digits and _.- are allowed")
    return found


def change(service: Service, verb: str, *options: str) -> Command:
    """One verb for all containers of a service."""
    purpose = f"{verb} {service.ref.name}"
    argv = (*words(service), verb, *options, *names(service))
    return Command(argv, timeout=_TIMEOUT, effect=Effect.CHANGE, purpose=purpose)


def why_not(service: Service, kind: ActionKind) -> str | None:
    """A container that is paused has a run already, which would only go on; one made with --rm has but one."""
    gone = disposed(service) if service.pids else None
    if gone is not None and kind is ActionKind.START:
        return gone
    # Seen with 4.3: what tidies up after the stop may come before the start. Docker's restart keeps it.
    if gone is not None and kind in (ActionKind.RESTART, ActionKind.FREE_PORT) and _of_podman(service):
        return f"{service.ref.name} was made with --rm: Podman may remove it instead of starting it again"
    if is_paused(service) and kind in (ActionKind.START, ActionKind.RELOAD):
        return f"{service.ref.name} is paused: let it go on with {go_on(service)}, or restart it"
    return None


def is_paused(service: Service) -> bool:
    """Whether one of its containers is held by its engine: its processes do nothing, and it keeps its ports."""
    return service.state is State.UNKNOWN and _paused.search(service.native_state) is not None


def go_on(service: Service) -> str:
    """What a person types to let them go on."""
    return quote((*words(service), "unpause", *names(service)))


def _of_podman(service: Service) -> bool:
    return any("podman" in word for word in words(service))


def disposed(service: Service) -> str | None:
    """A container that was made with --rm is removed when it ends, its log with it."""
    return "it was made with --rm: its engine removes it once it ends" if service.enabled == REMOVED else None


def is_running(service: Service, which: Which, hold: float) -> Check:
    """Up and not unhealthy."""
    return Check(f"{service.ref.name} is up", _look(service, which, scripts.RUNNING), within=30.0, hold=hold)


def is_stopped(service: Service, which: Which) -> Check:
    """Nothing of it is up or about to be."""
    return Check(f"{service.ref.name} is stopped", _look(service, which, scripts.STOPPED), within=30.0)


def how_ended(service: Service, kind: ActionKind) -> Check | None:
    """By the signals that the engine sent, each with the container's name by then; of a stop its state has it."""
    if kind is ActionKind.STOP or _of_podman(service):
        return None
    # An engine takes a name in its filter for the beginning of one.
    own = tuple(one for name in names(service) for one in (name, former(name)))
    wanted = ("type=container", "event=kill", *(f"container={name}" for name in names(service)))
    filters = [word for one in wanted for word in ("--filter", one)]
    told = ("events", *filters, "--format", "{{.Actor.Attributes.signal}} {{.Actor.Attributes.name}}")
    argv = ("sh", "-c", scripts.HOW_ENDED, "sh", service.ref.name, " ".join(own), *words(service), *told)
    look = Command(argv, timeout=_LOOK, purpose=f"look how {service.ref.name} ended")
    return Check(f"see how {service.ref.name} ended before", look)


def former(name: str) -> str:
    """What a container is called once another one was made in its place."""
    return f"{name}.former"


def runs_image(service: Service, which: Which, image: str) -> Check:
    """All its containers are of this image: an identity, or a name with its tag."""
    name = f"{service.ref.name} runs image {image}"
    return Check(name, _look(service, which, scripts.RUNS_IMAGE, image), within=30.0)


def has_network_of(service: Service, owner: Service) -> Check:
    """Each of its containers was started after the one whose network it has."""
    whose = service.network if service.network in names(owner) else names(owner)[0]
    argv = ("sh", "-c", scripts.JOINED, "sh", whose, " ".join(names(service)), *words(service))
    look = Command(argv, timeout=_LOOK, purpose=f"look at {service.ref.name}")
    return Check(f"{service.ref.name} has the network of {owner.ref.name} again", look, within=30.0)


def run_id(service: Service, which: Which) -> Command:
    """Process, identity and start of its containers."""
    return _look(service, which, scripts.RUN_ID)


def holds_port(service: Service, which: Which, endpoint: Endpoint) -> Command:
    """Whether it publishes the port."""
    return _look(service, which, scripts.HOLDS_PORT, endpoint.protocol, str(endpoint.port))


def log_command(service: Service, which: Which, lines: int, since: float | None, follow: bool) -> Command:
    """The logs of its containers."""
    from_when = "" if since is None else f"{since:.6f}"
    first = (str(lines), from_when, "1" if follow else "0")
    return _look(service, which, scripts.LOGS, *first)


def environment_words(service: Service) -> tuple[str, ...]:
    """What each container was made with, and its process; of a project also its ``.env`` and ``env_file``."""
    found = [*beside_words(service)]
    if service.ref.manager == "compose":
        files = (path for path in (service.unit_file or "", *service.drop_ins) if path.startswith("/"))
        found += [word for path in files for word in ("given", path, service.ref.name.rpartition("/")[2])]
    for name in names(service) if service.native_state != "no container" else ():
        asked = (*words(service), "inspect", "--type", "container", "--format", _ENVIRONMENT, "--", name)
        found += ["run", "container", name, str(len(asked)), *asked]
    return (*found, *(("process", str(service.pid)) if service.pid else ()))


def log_line(ref: ServiceRef, text: str) -> LogLine | None:
    """Read one line that ``docker logs --timestamps`` prints."""
    match = _log_line.fullmatch(text)
    line = service_line(ref, match["name"] or ref.manager, match["text"], when(match["at"])) if match else None
    if match is None or line is None:
        return None
    # What a container prints has a time in front, whatever it prints: it cannot pass for its engine.
    by_engine = match["at"] is None and match["text"].startswith(scripts.ENGINE_SAYS)
    return replace(line, by_engine=by_engine)


def _look(service: Service, which: Which, script: str, *first: str) -> Command:
    if not all(NAME.fullmatch(word) for word in which if word) or not which[1]:
        raise ValueError(f"{service.ref.name!r} is no name of a container")
    argv = ("sh", "-c", script, "sh", *first, *which, *words(service))
    return Command(argv, timeout=_LOOK, purpose=f"look at {service.ref.name}")
