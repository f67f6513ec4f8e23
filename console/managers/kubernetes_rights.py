"""What of a cluster a login may not list: an empty answer for such a kind is none."""

from dataclasses import dataclass

from console.core import words
from console.core.service import Service
from console.managers.kubernetes_names import workload

_KINDS = {
    "deployments.apps": ("deploy", "deployments"),
    "statefulsets.apps": ("sts", "stateful sets"),
    "daemonsets.apps": ("ds", "daemon sets"),
    "pods": ("", "pods"),
}
"""What is asked for, as rules of RBAC name it: the word in a service's name, and the one for a person."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """The kinds that the API server refuses. ``context`` is that of kubectl."""

    context: str = ""
    namespace: str = ""
    elsewhere: tuple[str, ...] = ()
    """Kinds that may be listed in ``namespace`` alone."""
    everywhere: tuple[str, ...] = ()
    """Kinds that may not be listed there either."""

    @classmethod
    def read(cls, context: str, namespace: str, cluster: str, own: str) -> "Unseen":
        """From what is refused in the cluster as a whole, and in the context's own namespace."""
        never = tuple(kind for kind in own.split(",") if kind in _KINDS)
        once = tuple(kind for kind in cluster.split(",") if kind in _KINDS and kind not in never)
        return cls(context, namespace, once, never)

    def hides(self, service: Service) -> bool:
        """Whether a workload could not be told though it is there."""
        own = workload(service.ref.name)
        return own.kind in _shorts(self.everywhere) or (
            own.kind in _shorts(self.elsewhere) and own.namespace != self.namespace
        )

    def hides_pods(self, namespace: str) -> bool:
        """Whether the pods of the workloads there could not be told."""
        return "pods" in self.everywhere or ("pods" in self.elsewhere and namespace != self.namespace)

    @property
    def why(self) -> str | None:
        """What is not seen and what mends it, in one line; ``None`` where all is."""
        parts = []
        if self.everywhere:
            parts.append(f"no {listed(self.everywhere)}")
        if self.elsewhere:
            parts.append(f"{listed(self.elsewhere)} of namespace {self.namespace} alone")
        if not parts:
            return None
        refused = ",".join(kind for kind in _KINDS if kind in (*self.everywhere, *self.elsewhere))
        return (
            f"context {self.context} may list {', and '.join(parts)}: "
            f"bind it a ClusterRole with the verb list for {refused}"
        )


def listed(kinds: tuple[str, ...]) -> str:
    """Kinds in words for a person."""
    return words.listed((_KINDS[kind][1] for kind in kinds), most=len(_KINDS))


def _shorts(kinds: tuple[str, ...]) -> set[str]:
    return {_KINDS[kind][0] for kind in kinds}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the cluster told, and what it did not tell."""

    services: tuple[Service, ...] = ()
    unseen: Unseen = Unseen()
