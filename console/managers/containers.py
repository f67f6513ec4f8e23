"""A container as its engine describes it, and what is true of it: the same for Docker, Podman and Compose."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from console.core.endings import signal_name
from console.core.probe import ParseError
from console.core.service import Endpoint, Origin, State
from console.core.stop_way import StopWay
from console.core.text import cut, mask, sanitise

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,253}")
"""Names that an engine gives to containers: nothing that a tool could take for an option or a pattern."""
JUST_STARTED = 10.0
"""Seconds that a container must run before its engine counts the start as a success, and forgets its pause."""

FORGOTTEN = "its engine does not remember whether somebody stopped it"

_PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"
_small = re.compile(r"[0-9]{1,5}")
_MAX_TEXT = 600
_MAX_PORTS = 256
_MAX_PLACES = 16384
_FAR = 2**31
_PATIENCE = 10
"""Seconds that engines wait for the end of a container which was made without ``--stop-timeout``."""
_KEPT_RUNNING = ("always", "unless-stopped")
_ASKED_TO_END = (130, 137, 143)


@dataclass(frozen=True, slots=True)
class Project:
    """Where a container comes from in Compose."""

    name: str
    service: str
    number: int = 0
    directory: str = ""
    files: tuple[str, ...] = ()
    """As absolute paths."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container, with text that is safe to show."""

    ident: str
    name: str
    status: str
    """The engine's word: ``created``, ``running``, ``paused``, ``restarting``, ``removing``, ``exited``, ``dead``."""
    pid: int | None = None
    exit_code: int = 0
    oom: bool = False
    error: str = ""
    """Why it could not be started."""
    health: str | None = None
    health_seconds: float | None = None
    """After which its health check has decided, where it has one."""
    started: float | None = None
    finished: float | None = None
    created: float | None = None
    restarts: int = 0
    policy: str = "no"
    removed: bool = False
    """Whether its engine removes it when it ends (``--rm``)."""
    image: str = ""
    origin: Origin | None = None
    version: str | None = None
    user: str | None = None
    ports: tuple[Endpoint, ...] = ()
    """Published now, as addresses of the host."""
    wants: tuple[Endpoint, ...] = ()
    """Declared to be published, whether it runs or not."""
    network: str = ""
    """The engine's word for it: ``host``, ``container:ID``, ``bridge``, ``none``, the name of a network ..."""
    project: Project | None = None
    unread: str | None = None
    """Why nothing of it is known but that it is there."""
    stop_way: StopWay | None = None
    asked: bool | None = None
    """Whether somebody asked for its end; ``None`` where the engine does not remember."""

    @property
    def runs(self) -> bool:
        """Whether it has a process that works."""
        return self.status == "running"

    @property
    def has_network(self) -> bool:
        """Whether it has its ports: one that is paused does not answer on them, and keeps them."""
        return self.status in ("running", "paused")

    def state(self, now: float | None) -> State:
        """Its state at a moment of the host's clock."""
        if self.status == "running":
            # RestartCount is set back by a start by hand.
            young = now is not None and self.started is not None and 0 <= now - self.started < JUST_STARTED
            return State.FLAPPING if self.restarts and young else State.RUNNING
        if self.status == "restarting":
            return State.FLAPPING
        if self.status in ("created", "configured", "initialized"):
            return State.FAILED if self.error else State.STOPPED
        if self.status in ("exited", "stopped"):
            return self._at_rest()
        if self.status in ("removing", "stopping"):
            return State.STOPPED
        # One that is paused, as what no engine is known to say, neither works nor is down: it may be stopped.
        return State.FAILED if self.status == "dead" else State.UNKNOWN

    def _at_rest(self) -> State:
        if self.error or self.oom:
            return State.FAILED
        if self.exit_code == 0 or self.asked or self._kept_down:
            return State.STOPPED
        # A policy would have started it again, and a signal may be anybody's: without memory neither can be told.
        known = self.asked is False or not (self.exit_code in _ASKED_TO_END or self.policy in _KEPT_RUNNING)
        return State.FAILED if known else State.UNKNOWN

    @property
    def why_unclear(self) -> str | None:
        """Why it is not known whether it failed, where it has ended."""
        ended = self.status in ("exited", "stopped")
        return FORGOTTEN if ended and self._at_rest() is State.UNKNOWN else None

    @property
    def _kept_down(self) -> bool:
        """What is to be kept running, and was ended by a signal, was stopped by somebody."""
        return self.policy in _KEPT_RUNNING and self.exit_code in _ASKED_TO_END

    @property
    def native(self) -> str:
        """The engine's words: ``running (unhealthy)``, ``exited (7)``."""
        if self.unread is not None:
            return f"not read: {self.unread}"
        if self.status in ("running", "paused"):
            return f"{self.status} ({self.health})" if self.health not in (None, "healthy") else self.status
        if self.status in ("exited", "stopped", "restarting", "dead"):
            return f"{self.status} ({self.exit_code})"
        return f"{self.status} (cannot be started)" if self.error else self.status

    @property
    def since(self) -> float | None:
        """When its present state began."""
        if self.status in ("running", "paused"):
            return self.started
        return self.created if self.status == "created" else self.finished

    @property
    def ended(self) -> tuple[str | None, int | None, int | None]:
        """Why it is down: the word, the exit code, the signal."""
        if self.status in ("running", "paused") or (self.status == "created" and not self.error):
            return None, None, None
        if self.oom:
            return "oom-kill", self.exit_code, 9
        if self.error:
            return _cause(self.error), None, None
        if 128 < self.exit_code < 160:
            return "signal", self.exit_code, self.exit_code - 128
        return ("exit-code" if self.exit_code else "success"), self.exit_code, None

    @property
    def unclear(self) -> bool:
        """Whether only what the engine remembers of the last moments tells whether it failed."""
        ended = self.status in ("exited", "stopped") and self.exit_code != 0
        return ended and not (self.oom or self.error or self._kept_down) and self.asked is None


def container(data: Any) -> Container:
    """Read what an engine tells of one container (``GET /containers/ID/json``); raises ``ParseError``."""
    if not isinstance(data, Mapping) or not _word(data, "Id"):
        raise ParseError("a container with an Id", repr(data))
    state, config = _part(data, "State"), _part(data, "Config")
    host, network = _part(data, "HostConfig"), _part(data, "NetworkSettings")
    labels = {str(key): value for key, value in _part(config, "Labels").items() if isinstance(value, str)}
    policy = _part(host, "RestartPolicy")
    image = _word(config, "Image")
    found = Container(
        ident=_word(data, "Id"),
        name=_word(data, "Name").lstrip("/") or _word(data, "Id")[:12],
        status=_word(state, "Status").lower() or "unknown",
        pid=_number(state, "Pid") or None,
        exit_code=_number(state, "ExitCode"),
        oom=state.get("OOMKilled") is True,
        error=_word(state, "Error"),
        health=_word(_part(state, "Health") or _part(state, "Healthcheck"), "Status") or None,
        health_seconds=_decided(_part(config, "Healthcheck")),
        started=when(state.get("StartedAt")),
        finished=when(state.get("FinishedAt")),
        created=when(data.get("Created")),
        restarts=_number(data, "RestartCount"),
        policy=_word(policy, "Name") or "no",
        removed=host.get("AutoRemove") is True,
        image=image,
        origin=_origin(labels, _word(data, "Image")),
        version=_version(labels, image),
        user=_word(config, "User") or None,
        ports=_published(_part(network, "Ports")),
        wants=_published(_part(host, "PortBindings")),
        network=_word(host, "NetworkMode"),
        project=project_of(labels),
        stop_way=_stop_way(config),
    )
    return replace(found, health=None) if found.health in ("none", "") else found


def unreadable(ident: str, name: str, why: Exception) -> Container:
    """One that its engine lists, and of which it tells nothing, or what cannot be read."""
    return Container(ident, name or ident[:12], "unknown", unread=cut(sanitise(str(why)).replace("\n", " "), 200))


def _cause(error: str) -> str:
    """The end of an error that each layer has put its own words in front of."""
    parts = error.removesuffix(": unknown").split(": ")
    return cut(": ".join(parts[-2:]), 120)


def when(text: object) -> float | None:
    """A time as engines write it, in Unix seconds; ``None`` for "never", which is a moment of the year 1."""
    if not isinstance(text, str) or not text or text.startswith("0001-"):
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _part(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key)
    return found if isinstance(found, Mapping) else {}


def _word(data: Mapping[str, Any], key: str) -> str:
    found = data.get(key)
    return cut(sanitise(found).replace("\n", " ").strip(), _MAX_TEXT) if isinstance(found, str) else ""


def _number(data: Mapping[str, Any], key: str) -> int:
    found = data.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def _stop_way(config: Mapping[str, Any]) -> StopWay | None:
    """As the container has it, else as its engine does it by default; a time below zero is no limit."""
    seconds, signal = config.get("StopTimeout"), _word(config, "StopSignal") or str(_number(config, "StopSignal") or "")
    seconds = _PATIENCE if seconds is None else seconds
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds >= _FAR:
        return None
    named = signal_name(int(signal)) if _small.fullmatch(signal) else signal or "SIGTERM"
    return StopWay(named, float(seconds) if seconds >= 0 else None)


def _decided(check: Mapping[str, Any]) -> float | None:
    """Failures count only after the start period, and only several in a row; 0 and nothing stand for the defaults."""
    if not check:
        return None
    interval, timeout = (_number(check, name) / 1e9 or 30.0 for name in ("Interval", "Timeout"))
    return _number(check, "StartPeriod") / 1e9 + (_number(check, "Retries") or 3) * (interval + timeout)


def _published(bindings: Mapping[str, Any]) -> tuple[Endpoint, ...]:
    """Ports by ``80/tcp``; a port that the engine is to choose, and a range to choose from, promise nothing."""
    found: dict[Endpoint, None] = {}
    for inside, places in bindings.items():
        protocol = inside.rpartition("/")[2]
        for place in places if isinstance(places, list) else ():
            port = str(place.get("HostPort", "")) if isinstance(place, Mapping) else ""
            if _small.fullmatch(port) and 0 < int(port) < 65536 and protocol in ("tcp", "udp"):
                address = sanitise(str(place.get("HostIp") or "0.0.0.0"))  # noqa: S104
                found[Endpoint(protocol, address, int(port))] = None
    return tuple(sorted(found))[:_MAX_PORTS]


def _version(labels: Mapping[str, str], image: str) -> str | None:
    told = sanitise(labels.get("org.opencontainers.image.version", "")).strip()
    if told:
        return cut(told, 80)
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    return tag if tag and tag != "latest" else None


def _origin(labels: Mapping[str, str], ident: str) -> Origin | None:
    """What the labels say is anybody's word, and a source may be a URL with a password."""
    if not ident:
        return None
    revision, source = (
        cut(mask(sanitise(labels.get(f"org.opencontainers.image.{key}", "")).replace("\n", " ").strip()), 200) or None
        for key in ("revision", "source")
    )
    return Origin(ident, revision, source)


def project_of(labels: Mapping[str, str]) -> Project | None:
    """The project that the labels of a container tell."""
    name, service = labels.get(_PROJECT, ""), labels.get(_SERVICE, "")
    # A container of `compose run` is one of its own and none of the service's.
    if not NAME.fullmatch(name) or not NAME.fullmatch(service) or labels.get("com.docker.compose.oneoff") == "True":
        return None
    number = labels.get("com.docker.compose.container-number", "0")
    directory, files = _places(labels.get(f"{_PROJECT}.working_dir", ""), labels.get(f"{_PROJECT}.config_files", ""))
    return Project(name, service, int(number) if _small.fullmatch(number) else 0, directory, files)


def _places(directory: str, told: str) -> tuple[str, tuple[str, ...]]:
    """The folder and the files of a project; nothing where one of them could not be shown as it is."""
    # Whoever makes a container writes its labels, and Compose with a part of the files would be another project.
    if not (directory + told).isprintable() or len(directory + told) > _MAX_PLACES:
        return "", ()
    # Compose 1 wrote them as they were given to it.
    return directory, tuple(one if one.startswith("/") else f"{directory}/{one}" for one in told.split(",") if one)
