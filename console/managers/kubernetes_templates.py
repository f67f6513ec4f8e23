"""What kubectl is asked to print of each object, text/template: a few words each, and nothing of its environment.

``-`` stands where nothing is told. ``urlquery`` makes one word of any text, so that no value can make a line of its own
by which whoever writes one object tells of all the others. It is on everything that is printed, also where the API
takes no such text; without it stand only the labels by which a workload selects, which a shell gives back to kubectl.
"""

from console.managers.kubernetes_names import Workload

END = '{{"\\n"}}'
"""Ends a line of what is printed: the words that a probe is asked with cannot hold a line end themselves."""


def one_word(place: str, otherwise: str = "-") -> str:
    """A value as one word."""
    return f"{{{{with {place}}}}}{{{{urlquery .}}}}{{{{else}}}}{otherwise}{{{{end}}}}"


def _text(place: str) -> str:
    return f"{{{{with {place}}}}}{{{{urlquery (printf `%.300s` .)}}}}{{{{else}}}}-{{{{end}}}}"


_COUNTS = (
    '{{if eq .kind "DaemonSet"}}'
    + " ".join(
        one_word(f".status.{name}", "0")
        for name in ("desiredNumberScheduled", "numberReady", "updatedNumberScheduled", "currentNumberScheduled")
    )
    + "{{else}}"
    + " ".join(
        one_word(place, "0")
        for place in (".spec.replicas", ".status.readyReplicas", ".status.updatedReplicas", ".status.replicas")
    )
    + "{{end}}"
)
"""How many are wanted, ready, of the newest template, and there at all."""
_REVISION = one_word("index . `deployment.kubernetes.io/revision`")

_PARTITION = (
    "{{with .spec.updateStrategy}}{{with .rollingUpdate}}"
    + one_word(".partition", "0")
    + "{{else}}0{{end}}{{else}}0{{end}}"
)
"""How many pods of a stateful set, from the first on, keep the older template."""

WHERE = (
    "{{urlquery (index . `current-context`)}}"
    f"{{{{range .contexts}}}} {one_word('.context.namespace', 'default')} {{{{urlquery .context.cluster}}}}{{{{end}}}}"
    "{{range .clusters}} {{.cluster.server}}{{end}}"
)
"""Of a kubeconfig, minified: context, namespace, cluster, server; the last is shown as it is."""

_OWNER = (
    f"{{{{with .metadata.ownerReferences}}}}{{{{with index . 0}}}}{one_word('.kind')} {one_word('.name')}{{{{end}}}}"
    "{{else}}- -{{end}}"
)
_HASH = f"{{{{with .metadata.labels}}}}{one_word('index . `pod-template-hash`')}{{{{else}}}}-{{{{end}}}}"
OWNER = f"{_OWNER} {_HASH}"
"""Of a pod: the kind and the name of what made it, and the hash of its template."""

NAMED = f"{one_word('.metadata.namespace')} {one_word('.metadata.name')}"
_POD = (
    f">p {one_word('.metadata.namespace')} {OWNER}"
    f" {one_word('.status.phase')} {one_word('.status.startTime')} {one_word('.metadata.deletionTimestamp')}\n"
    "{{range .status.conditions}}{{if and (eq .type `PodScheduled`) (eq .status `False`)}}"
    f">u {one_word('.reason')} {_text('.message')}\n"
    "{{end}}{{end}}"
    "{{range .status.initContainerStatuses}}{{template `c` .}}{{end}}"
    "{{range .status.containerStatuses}}{{template `c` .}}{{end}}"
)
_ENDED = f"{one_word('.reason')} {one_word('.exitCode', '0')}"
_CONTAINER = (
    f">c {one_word('.restartCount', '0')} {{{{if .ready}}}}ready{{{{else}}}}!{{{{end}}}}"
    "{{if .state.running}} running - -"
    f"{{{{else if .state.terminated}}}}{{{{with .state.terminated}}}} terminated {_ENDED}{{{{end}}}}"
    f"{{{{else}}}} waiting {{{{with .state.waiting}}}}{one_word('.reason')}{{{{else}}}}-{{{{end}}}} -{{{{end}}}}"
    f"{{{{with .lastState.terminated}}}} {_ENDED} {one_word('.finishedAt')} !{{{{end}}}}\n"
)
_SAVED = one_word("index . `hostdeck/replicas`")
_STRATEGY = (
    f"{{{{with .spec.strategy}}}}{one_word('.type')}"
    f"{{{{else}}}}{{{{with .spec.updateStrategy}}}}{one_word('.type')}{{{{else}}}}-{{{{end}}}}{{{{end}}}}"
)
_WORKLOAD = (
    f">w {one_word('.kind')} {NAMED} {one_word('.metadata.generation')}"
    f" {{{{with .metadata.annotations}}}}{_REVISION} {_SAVED}{{{{else}}}}- -{{{{end}}}}"
    f" {{{{if .spec.paused}}}}paused{{{{else}}}}-{{{{end}}}} {_STRATEGY}"
    f" {_COUNTS} {one_word('.status.observedGeneration')} {_PARTITION}"
    " {{with .spec.template.spec}}{{if eq (print .terminationGracePeriodSeconds) `0`}}0{{else}}"
    f"{one_word('.terminationGracePeriodSeconds')}{{{{end}}}}{{{{end}}}}\n"
    "{{range .spec.template.spec.containers}}>i {{urlquery .image}}\n{{end}}"
    "{{range .status.conditions}}"
    f">k {one_word('.type')} {one_word('.status')} {one_word('.reason')} {one_word('.lastTransitionTime')}"
    f" {_text('.message')}\n"
    "{{end}}"
)
ROWS = (
    f"{{{{define `c`}}}}{_CONTAINER}{{{{end}}}}"
    f"{{{{range .items}}}}{{{{if eq .kind `Pod`}}}}{_POD}{{{{else}}}}{_WORKLOAD}{{{{end}}}}{{{{end}}}}"
)
"""A line for each workload, image, condition, pod, reason why it is not scheduled, and container."""

# Labels alone would select the pods of others, where expressions narrow them down.
_SELECTOR = (
    "{{if .spec.selector.matchExpressions}}-{{else}}{{with .spec.selector.matchLabels}}"
    "{{range $key, $value := .}}{{$key}}={{$value}},{{end}}{{else}}-{{end}}{{end}}"
)

ONE = (
    f">o {one_word('.metadata.generation', '0')} {one_word('.status.observedGeneration', '0')} {_COUNTS}"
    f" {_SELECTOR}"
    f" {{{{with .metadata.annotations}}}}{_REVISION}{{{{else}}}}-{{{{end}}}} {one_word('.status.updateRevision')}"
    f' {{{{if eq .kind "DaemonSet"}}}}{one_word(".metadata.generation", "0")}{{{{else}}}}-{{{{end}}}}\n'
)
"""Of one workload: generation, the one that its controller has seen, counts, selector, and its revision in the words of
its kind."""

_OF_REVISION = f"{{{{with .metadata.labels}}}}{one_word('index . `controller-revision-hash`')}{{{{else}}}}-{{{{end}}}}"
PODS = (
    f"{{{{range .items}}}}>o {{{{if .metadata.deletionTimestamp}}}}ending\n{{{{else}}}}up {_OF_REVISION}"
    f"{{{{range .status.containerStatuses}}}} {one_word('.restartCount', '0')}{{{{end}}}}\n{{{{end}}}}{{{{end}}}}"
)
"""Of each pod: whether it stays, which revision of a set it is of, and how often its containers were started again."""


def _runs(place: str) -> str:
    return (
        f"{{{{range {place}}}}}>o {one_word('$pod.metadata.name')} {one_word('.name')} {one_word('.restartCount', '0')}"
        " {{if .state.running}}up{{else if .state.terminated}}ended"
        "{{else if .lastState.terminated}}ended{{else}}-{{end}}\n{{end}}"
    )


RUNS = (
    "{{range .items}}{{$pod := .}}"
    + _runs(".status.initContainerStatuses")
    + _runs(".status.containerStatuses")
    + "{{end}}"
)
"""Of each container: its pod, how often it was started again, and whether this run has begun, so has a log."""


def of_revisions(own: Workload, each: str) -> str:
    """``each`` for every revision of that workload, in a list of what such revisions are kept in."""
    return (
        "{{range .items}}{{$set := .}}{{range .metadata.ownerReferences}}"
        f'{{{{if and (eq .kind "{own.owner}") (eq .name "{own.name}")}}}}{{{{with $set}}}}{each}'
        "{{end}}{{end}}{{end}}{{end}}"
    )


def annotation(key: str) -> str:
    """One annotation as one word."""
    return (
        f"{{{{with .metadata.annotations}}}}{{{{with index . `{key}`}}}}{{{{urlquery .}}}}{{{{else}}}}-{{{{end}}}}"
        "{{else}}-{{end}}"
    )


def number(own: Workload) -> str:
    """The number of a revision."""
    return annotation("deployment.kubernetes.io/revision") if own.kind == "deploy" else one_word(".revision", "0")


def pod_spec(own: Workload) -> str:
    """Where a revision keeps the pods that it is of."""
    return ".spec.template.spec" if own.kind == "deploy" else ".data.spec.template.spec"


def numbers(own: Workload) -> str:
    """The number of each revision."""
    return of_revisions(own, f">o {number(own)}\n")
