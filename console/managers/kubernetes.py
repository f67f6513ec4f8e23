"""Kubernetes: the workloads of the cluster that kubectl reaches from a host, in its current context.

Nothing but kubectl is used, with the rights of the connected user's own kubeconfig; sudo never is.
"""

import re
from datetime import UTC, datetime
from typing import Any

from console.core.command import Command, Effect, quote
from console.core.plan import ActionKind, Check, Step, Swap
from console.core.probe import Probe
from console.core.release import Recipe, Release, Signature
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import LogLine
from console.managers import kubernetes_difference
from console.managers.kubernetes_logs import LOGS, log_line
from console.managers.kubernetes_names import Workload, workload
from console.managers.kubernetes_parse import parse_survey
from console.managers.kubernetes_ports import PORTS
from console.managers.kubernetes_releases import REVISIONS, live, template
from console.managers.kubernetes_rights import Seen
from console.managers.kubernetes_scripts import (
    IS_RUNNING,
    IS_STOPPED,
    PRESENCE_SCRIPT,
    RUN_ID,
    SAME_NEWEST,
    SAME_REVISION,
    SURVEY_SCRIPT,
)
from console.managers.kubernetes_templates import ONE, PODS, RUNS, numbers

PRESENCE: Probe[str] = Probe("kubernetes_presence", PRESENCE_SCRIPT, str.strip, every=15.0, slow=True)
SURVEY: Probe[Seen] = Probe(
    "kubernetes", SURVEY_SCRIPT, parse_survey, requires=("kubectl", "timeout"), every=15.0, slow=True, timeout=45.0
)
"""Cached: a cluster in which nothing happens gives the same answer again, of which not a byte crosses the link."""

ROLLOUT = 180
"""Seconds that a rollout is given."""
_OWN = ("kube-system", "kube-public", "kube-node-lease")
"""Namespaces of the cluster itself."""
_version = re.compile(r'(?:\bGitVersion:"|^Client Version: )(v[0-9][\w.+-]{0,40})', re.MULTILINE)
_ORDERED = (
    "where a pod of that revision does not become ready, a stateful set waits for it, also on the way back: "
    "kubectl delete pod it by hand then"
)
"""StatefulSets, "Forced rollback", in the documentation of Kubernetes."""


class Kubernetes:
    """The manager of deployments, stateful sets and daemon sets."""

    id = "kubernetes"
    priority = 5
    presence = PRESENCE
    releases = REVISIONS
    comparison = kubernetes_difference.DIFFERENCE
    plain_tool = ("kubectl",)
    version_words = ("version", "--client")
    installed_words = (*plain_tool, *version_words)

    def version_of(self, said: str) -> str | None:
        """Of kubectl: a whole structure until 1.27, a line since."""
        found = _version.search(said)
        return f"kubectl {found[1]}" if found is not None else None

    def probes(self) -> tuple[Probe[Any], ...]:
        """Every probe of Kubernetes."""
        return (PRESENCE, SURVEY, PORTS, REVISIONS, self.comparison)

    def takes_effect(self, service: Service, file: str | None) -> str:
        """The cluster has what was applied last; new pods follow by themselves where the template changed."""
        return f"{quote((*_tool(service), 'apply', '-f'))} {'MANIFEST' if file is None else quote((file,))}"

    def restart(self, service: Service) -> Command:
        """New pods for the same template, one after another as its strategy says."""
        return _change(service, f"restart {service.ref.name}", "rollout", "restart", _own(service).resource)

    def settle(self, service: Service, kind: ActionKind) -> Command | None:
        """Wait until every pod is of the newest template and ready."""
        if kind not in (ActionKind.RESTART, ActionKind.START, ActionKind.ROLLBACK) or service.enabled == "on-delete":
            return None
        words = ("rollout", "status", _own(service).resource, f"--timeout={ROLLOUT}s")
        argv = (*_tool(service), "--namespace", _own(service).namespace, *words)
        return Command(argv, timeout=ROLLOUT + 10.0, purpose=f"wait for the rollout of {service.ref.name}")

    def undo_restart(self, service: Service) -> Command | None:
        """Back to the revision of before, named, so that nothing older can come up where nothing was changed."""
        own, revision = _own(service), _revision(service)
        if revision is None:
            return None
        purpose = f"roll {service.ref.name} back to revision {revision}"
        return _change(service, purpose, "rollout", "undo", own.resource, f"--to-revision={revision}")

    def undo_holds(self, service: Service) -> Check | None:
        """Whether that revision is still the newest: after a release by somebody else the undo would revert it."""
        revision = _revision(service)
        if revision is None:
            return None
        return _still_at(service, revision)

    def release_words(self, service: Service, recipe: Recipe | None) -> tuple[str, ...]:
        """The revisions that its rollouts have left."""
        own = _own(service)
        if (why_not := self.why_not(service, ActionKind.ROLLBACK)) is not None:
            raise ValueError(why_not)
        return (own.namespace, own.resource, own.revisions, live(own), template(own), *_tool(service))

    def comparison_words(
        self, service: Service, recipe: Recipe | None, live: Release, target: Release
    ) -> tuple[str, ...]:
        """The pods of both revisions."""
        own = _own(service)
        if not live.id.isdecimal() or not target.id.isdecimal():
            raise ValueError(f"which revision {service.ref.name} is at is not known")
        form = kubernetes_difference.template(own)
        return (own.namespace, own.revisions, live.id, target.id, form, *_tool(service))

    def roll_back(self, service: Service, target: Release, live: Release | None, by: Signature) -> Swap:
        """``rollout undo`` to a revision that is named, and back to the one that was live."""
        own, name = _own(service), service.ref.name
        if live is None or not live.id.isdecimal() or not target.id.isdecimal():
            raise ValueError(f"which revision {name} is at is not known")
        forth, back = (
            _change(service, f"roll {name} back to revision {ident}", "rollout", "undo", own.resource, *_to(ident))
            for ident in (target.id, live.id)
        )
        words = ("--namespace", own.namespace, "--request-timeout=6s", "rollout", "history", own.resource)
        there = Command((*_tool(service), *words, f"--revision={target.id}"), timeout=20.0)
        return Swap(
            steps=(Step(f"roll {name} back to revision {target.id}", forth, back),),
            preflight=(_still_at(service, live.id), Check(f"revision {target.id} is there", there, within=0)),
            warnings=(_ORDERED,) if own.kind == "sts" else (),
        )

    def stop(self, service: Service) -> Command:
        """Scale to 0, and keep with it how many there were."""
        count = service.replicas or 1
        patch = f'{{"metadata":{{"annotations":{{"hostdeck/replicas":"{count}"}}}},"spec":{{"replicas":0}}}}'
        words = ("patch", _own(service).resource, "--type=merge", f"--patch={patch}")
        return _change(service, f"scale {service.ref.name} from {count} to 0", *words)

    def start(self, service: Service) -> Command:
        """Scale to as many as there were before it was stopped from here, else to one."""
        count = service.replicas or 1
        words = ("scale", _own(service).resource, f"--replicas={count}")
        return _change(service, f"scale {service.ref.name} to {count}", *words)

    def why_not(self, service: Service, kind: ActionKind) -> str | None:
        """What a kind of workload, or its strategy, does not allow."""
        name = service.ref.name
        if kind is ActionKind.RELOAD:
            return f"{name}: Kubernetes knows no reload; restart it to read a changed ConfigMap"
        if kind in (ActionKind.STOP, ActionKind.START) and _own(service).kind == "ds":
            return f"{name} is a daemon set: it runs on every node that it matches and cannot be scaled"
        if kind is ActionKind.STOP and _own(service).namespace in _OWN:
            return f"{name} is part of the cluster itself: it is not stopped from here"
        idle = service.native_state.startswith("0 wanted")
        if kind is ActionKind.START and service.state in (State.STARTING, State.UNKNOWN) and not idle:
            # Its undo would scale to 0 what serves.
            return f"{name} is wanted already ({service.native_state}): restart it"
        if kind not in (ActionKind.RESTART, ActionKind.ROLLBACK):
            return None
        if service.enabled == "paused":
            return f"{name} is paused: kubectl rollout resume it first"
        if service.enabled == "on-delete":
            return f"{name} has the update strategy OnDelete: its pods are replaced when they are deleted by hand"
        return f"{name} is scaled to 0: start it" if idle else None

    def cautions(self, service: Service, kind: ActionKind) -> tuple[str, ...]:
        """What a person should know before acting on this cluster."""
        found = []
        if (context := service.production_context) is not None:
            found.append(f"context {context} is a production cluster")
        if kind is ActionKind.STOP:
            found.append(f"scaled to 0 it serves nobody; an undo brings {service.replicas or 1} back")
        return tuple(found)

    def is_running(self, service: Service, *, hold: float) -> Check:
        """As many pods are ready as are wanted, and its controller has seen what is wanted."""
        return Check(f"{service.ref.name} is ready", _look(IS_RUNNING, service), within=60.0, hold=hold)

    def is_stopped(self, service: Service) -> Check:
        """None is wanted, and none is left but what ends."""
        return Check(f"{service.ref.name} is scaled to 0", _look(IS_STOPPED, service), within=60.0)

    def run_id(self, service: Service) -> Command:
        """The revision, whether there are pods, and how often their containers were started again."""
        return _look(RUN_ID, service)

    def log_command(self, service: Service, *, lines: int, since: float | None, follow: bool) -> Command:
        """``kubectl logs`` of all its pods and their containers; followed, also of those that take their place."""
        own = _own(service)
        begin = "" if since is None else datetime.fromtimestamp(since, UTC).isoformat().replace("+00:00", "Z")
        words = (own.namespace, own.resource, ONE, RUNS, str(lines), begin, "follow" if follow else "")
        argv = ("sh", "-c", LOGS, "sh", *words, *_tool(service))
        return Command(argv, timeout=20.0, purpose=f"read the log of {service.ref.name}")

    def log_line(self, ref: ServiceRef, text: str) -> LogLine | None:
        """Read one line of it."""
        return log_line(ref, text)


KUBERNETES = Kubernetes()


def _own(service: Service) -> Workload:
    return workload(service.ref.name)


def _tool(service: Service) -> tuple[str, ...]:
    # Of a service that was not looked at the context is not known: then kubectl's own is meant.
    return service.tool or ("kubectl",)


def _to(revision: str) -> tuple[str, ...]:
    return (f"--to-revision={revision}",)


def _revision(service: Service) -> str | None:
    """The revision that a restart is undone to; only a deployment has one that can be named."""
    revision = (service.version or "").removeprefix("revision ")
    return revision if _own(service).kind == "deploy" and revision.isdecimal() else None


def _change(service: Service, purpose: str, *words: str) -> Command:
    argv = (*_tool(service), "--namespace", _own(service).namespace, "--request-timeout=30s", *words)
    return Command(argv, timeout=60.0, effect=Effect.CHANGE, purpose=purpose)


def _still_at(service: Service, revision: str) -> Check:
    own = _own(service)
    if own.kind == "deploy":
        look = _look(SAME_REVISION, service, revision)
    else:
        look = _look(SAME_NEWEST, service, revision, pods=numbers(own))
    return Check(f"{service.ref.name} is still at revision {revision}", look, within=0)


def _look(script: str, service: Service, *words: str, pods: str = PODS) -> Command:
    own = _own(service)
    argv = ("sh", "-c", script, "sh", *words, own.namespace, own.resource, ONE, pods, *_tool(service))
    return Command(argv, timeout=20.0, purpose=f"look at {service.ref.name}")
