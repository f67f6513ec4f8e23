"""The names of workloads: ``shop/deploy/api``, as RFC 1123 allows them in a cluster."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from console.core.service import PRODUCTION, Service

KINDS = {"Deployment": "deploy", "StatefulSet": "sts", "DaemonSet": "ds"}
"""The short words that kubectl itself knows."""
_LONG = {"deploy": "deployment", "sts": "statefulset", "ds": "daemonset"}
_OWNERS = {short: kind for kind, short in KINDS.items()}

_label = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_subdomain = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_production = re.compile(r"(?<![a-z])(?:prod|prd|production|live)(?![a-z])", re.IGNORECASE)


class Workload(NamedTuple):
    """A workload of a cluster."""

    namespace: str
    kind: str
    name: str

    @property
    def resource(self) -> str:
        """``deployment/api``, in the words of kubectl."""
        return f"{_LONG[self.kind]}/{self.name}"

    @property
    def owner(self) -> str:
        """``Deployment``, as what belongs to it names it."""
        return _OWNERS[self.kind]

    @property
    def revisions(self) -> str:
        """What its revisions are kept in, in the words of kubectl."""
        return "replicasets.apps" if self.kind == "deploy" else "controllerrevisions.apps"


def named(namespace: str, kind: str, name: str) -> str | None:
    """The name of a service for an object of the API; ``None`` for what no cluster can have."""
    short = KINDS.get(kind)
    if short is None or not _label.fullmatch(namespace) or not _subdomain.fullmatch(name):
        return None
    return f"{namespace}/{short}/{name}"


def workload(name: str) -> Workload:
    """Read the name of a service; raises ``ValueError`` for one that no workload can have."""
    namespace, _, rest = name.partition("/")
    kind, _, own = rest.partition("/")
    if kind not in _LONG or not _label.fullmatch(namespace) or not _subdomain.fullmatch(own):
        raise ValueError(f"{name!r} is no name of a workload: NAMESPACE/deploy|sts|ds/NAME is expected")
    return Workload(namespace, kind, own)


def cluster_word(context: str, cluster: str, server: str) -> str:
    """The context as it is shown: one of production is marked, whichever of its names tells."""
    host = server.partition("://")[2].partition("/")[0]
    return context + PRODUCTION if any(_production.search(word) for word in (context, cluster, host)) else context


def marked(services: Iterable[Service], contexts: Collection[str]) -> Iterator[Service]:
    """The same workloads, those of such a context marked as of production too."""
    for service in services:
        if service.chain[1:2] and service.chain[1] in contexts:
            head, context, *rest = service.chain
            yield replace(service, chain=(head, context + PRODUCTION, *rest))
        else:
            yield service
