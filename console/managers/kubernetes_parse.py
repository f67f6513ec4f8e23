"""The answer of the survey: lines of words, one for each thing that kubectl told; see ``kubernetes_scripts``."""

from collections.abc import Collection, Sequence
from datetime import datetime
from urllib.parse import unquote_plus

from console.core.probe import ParseError
from console.core.service import Service, ServiceRef
from console.core.text import cut, sanitise
from console.managers.kubernetes_names import cluster_word, named
from console.managers.kubernetes_rights import Seen, Unseen
from console.managers.kubernetes_state import Container, Counts, Pod, native, since, state, trouble


class _Found:
    """A workload while its lines are read."""

    def __init__(self, name: str, namespace: str, revision: str | None, saved: int | None, counts: Counts) -> None:
        self.name, self.namespace, self.revision, self.saved, self.counts = name, namespace, revision, saved, counts
        self.images: list[str] = []


def parse_survey(text: str) -> Seen:
    """Read the whole answer; raises ``ParseError`` without its head. A line that cannot be read is left out."""
    lines = text.split("\n")
    if len(lines) < 2 or not lines[0].startswith("configs ") or not lines[1].startswith("where "):
        raise ParseError('"configs FILE", "where CONTEXT NAMESPACE CLUSTER SERVER" and lines of workloads', lines[0])
    tool, shown = cluster_words(lines[0].removeprefix("configs "), lines[1])
    rows = _Rows()
    now, refused = None, dict[str, str]()
    for line in lines[2:]:
        kind, _, rest = line.partition(" ")
        if kind == "now":
            now = float(rest) if rest.isdecimal() else None
        elif kind == "refused":
            where, _, kinds = rest.partition(" ")
            refused[where] = kinds
        elif kind.startswith(">"):
            rows.take(kind, tuple(map(told_word, rest.split(" "))))
    namespace = lines[1].split(" ")[2]
    unseen = Unseen.read(tool[-1], namespace, refused.get("cluster", ""), refused.get("namespace", ""))
    services = (_service(one, tool, shown, now, unseen.hides_pods(one.namespace)) for one in rows.owners())
    return Seen(tuple(services), unseen)


def cluster_words(configs: str, where: str) -> tuple[tuple[str, ...], str]:
    """The words of the tool for a cluster, and how its context is shown."""
    words = where.split(" ")[1:]
    if len(words) != 4:
        raise ParseError('"where CONTEXT NAMESPACE CLUSTER SERVER"', where)
    context, cluster, server = told_word(words[0]), told_word(words[2]), words[3]
    config = ("env", f"KUBECONFIG={configs}", "kubectl") if ":" in configs else ("kubectl", "--kubeconfig", configs)
    return (*config, "--context", unquote_plus(words[0])), cluster_word(context, cluster, server)


class _Rows:
    """Takes line after line; those of a pod belong to the pod before them, and it to the workload that owns it."""

    def __init__(self) -> None:
        self.workloads: dict[str, _Found] = {}
        self._last: _Found | None = None
        self._pod: Pod | None = None
        self._owned: list[tuple[str, Pod]] = []

    def owners(self) -> Collection[_Found]:
        """The workloads, each with its pods; where kinds are asked apart these may have come first."""
        for name, pod in self._owned:
            if (owner := self.workloads.get(name)) is not None:
                owner.counts.pods.append(pod)
        return self.workloads.values()

    def take(self, kind: str, words: Sequence[str]) -> None:
        try:
            self._take(kind, words)
        except (ValueError, IndexError):
            # What no cluster tells is of no workload, and neither is what follows it.
            if kind == ">w":
                self._last = None
            elif kind == ">p":
                self._pod = None

    def _take(self, kind: str, words: Sequence[str]) -> None:
        if kind == ">w":
            self._last = None
            self._last = _workload(words)
            self.workloads[self._last.name] = self._last
        elif kind == ">i" and self._last is not None:
            self._last.images.append(words[0])
        elif kind == ">k" and self._last is not None:
            self._last.counts.conditions[words[0]] = (words[1], _told(words[2]), _time(words[3]), _message(words[4]))
        elif kind == ">p":
            self._pod = _pod(words)
            self._owned.append((_owner(words) or "", self._pod))
        elif kind == ">u" and self._pod is not None:
            self._pod.unscheduled, self._pod.unscheduled_why = _told(words[0]), _message(words[1])
        elif kind == ">c" and self._pod is not None:
            self._pod.containers.append(_container(words))


def _workload(words: Sequence[str]) -> _Found:
    kind, namespace, name, generation, revision, saved, paused, strategy = words[:8]
    wanted, ready, updated, everything, seen = words[8:13]
    full = named(namespace, kind, name)
    if full is None:
        raise ValueError(name)
    counts = Counts(
        wanted=_count(wanted),
        ready=_count(ready),
        updated=_count(updated),
        all=_count(everything),
        current=_count(seen) >= _count(generation),
        paused=paused == "paused",
        by_hand=strategy == "OnDelete",
        held=_count(words[13]) if len(words) > 13 else 0,
    )
    # An annotation, which may be any text.
    kept = _number(saved) or 0
    return _Found(full, namespace, _told(revision), kept if kept > 0 else None, counts)


def _pod(words: Sequence[str]) -> Pod:
    return Pod(started=_time(words[5]), deleted=words[6] != "-", phase=words[4])


def _owner(words: Sequence[str]) -> str | None:
    namespace, kind, name, hashed = words[:4]
    # The replica set of a deployment has the deployment's name and the hash of its template.
    if kind == "ReplicaSet" and hashed != "-" and name.endswith(f"-{hashed}"):
        return named(namespace, "Deployment", name.removesuffix(f"-{hashed}"))
    return named(namespace, kind, name)


def _container(words: Sequence[str]) -> Container:
    ended = words[5:8] if len(words) >= 8 else ("-", "-", "-")
    return Container(
        restarts=_count(words[0]),
        ready=words[1] == "ready",
        state=words[2],
        reason=_told(words[3]),
        exit_code=_number(words[4]),
        ended=_told(ended[0]),
        ended_code=_number(ended[1]),
        ended_at=_time(ended[2]),
    )


def _service(found: _Found, tool: tuple[str, ...], shown: str, now: float | None, hidden: bool) -> Service:
    counts = found.counts
    bad = trouble(counts, now)
    now_is = state(counts, bad)
    restarts = sum(box.restarts for pod in counts.pods for box in pod.containers)
    return Service(
        ServiceRef("", "kubernetes", found.name),
        now_is,
        native(counts, bad),
        description=(bad.message if bad is not None else "")
        or ("its pods are hidden from this user" if hidden else ""),
        since=since(counts, now_is),
        restarts=None if hidden else restarts,
        version=found.revision and f"revision {found.revision}",
        result=None if bad is None else bad.reason,
        exit_code=None if bad is None else bad.exit_code,
        enabled="paused" if counts.paused else "on-delete" if counts.by_hand else None,
        chain=("kubernetes", shown, found.name),
        tool=tool,
        group=found.namespace,
        image=", ".join(found.images) or None,
        replicas=counts.wanted or found.saved,
    )


def told_word(word: str) -> str:
    """What ``urlquery`` made one word of."""
    return cut(sanitise(unquote_plus(word)).replace("\n", " "), 300)


def _message(word: str) -> str:
    return "" if word == "-" else word


def _told(word: str) -> str | None:
    return None if word in ("-", "") else word


def _count(word: str) -> int:
    if word == "-":
        return 0
    if not word.isdecimal() or len(word) > 10:
        raise ValueError(word)
    return int(word)


def _number(word: str) -> int | None:
    return int(word) if word.removeprefix("-").isdecimal() and len(word) <= 10 else None


def _time(word: str) -> float | None:
    if word == "-":
        return None
    try:
        return datetime.fromisoformat(word).timestamp()
    except (ValueError, OverflowError):
        return None
