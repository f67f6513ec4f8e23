"""What kubectl is asked to print of each object, text/template: a few words each, and nothing of its environment.

``-`` stands where nothing is told. ``urlquery`` makes one word of any text.
"""

from console.managers.kubernetes_names import Workload


def _or(place: str, otherwise: str = "-") -> str:
    return f"{{{{with {place}}}}}{{{{.}}}}{{{{else}}}}{otherwise}{{{{end}}}}"


def _text(place: str) -> str:
    return f"{{{{with {place}}}}}{{{{urlquery (printf `%.300s` .)}}}}{{{{else}}}}-{{{{end}}}}"


_COUNTS = (
    '{{if eq .kind "DaemonSet"}}'
    + " ".join(
        _or(f".status.{name}", "0")
        for name in ("desiredNumberScheduled", "numberReady", "updatedNumberScheduled", "currentNumberScheduled")
    )
    + "{{else}}"
    + " ".join(
        _or(place, "0")
        for place in (".spec.replicas", ".status.readyReplicas", ".status.updatedReplicas", ".status.replicas")
    )
    + "{{end}}"
)
"""How many are wanted, ready, of the newest template, and there at all."""
_REVISION = _or("index . `deployment.kubernetes.io/revision`")

_PARTITION = (
    "{{with .spec.updateStrategy}}{{with .rollingUpdate}}" + _or(".partition", "0") + "{{else}}0{{end}}{{else}}0{{end}}"
)
"""How many pods of a stateful set, from the first on, keep the older template."""

WHERE = (
    "{{urlquery (index . `current-context`)}}"
    f"{{{{range .contexts}}}} {_or('.context.namespace', 'default')} {{{{urlquery .context.cluster}}}}{{{{end}}}}"
    "{{range .clusters}} {{.cluster.server}}{{end}}"
)
"""Of a kubeconfig, minified: context, namespace, cluster, server."""

_POD = (
    ">p {{.metadata.namespace}}"
    " {{with .metadata.ownerReferences}}{{with index . 0}}{{.kind}} {{.name}}{{end}}{{else}}- -{{end}}"
    f" {{{{with .metadata.labels}}}}{_or('index . `pod-template-hash`')}{{{{else}}}}-{{{{end}}}}"
    f" {_or('.status.phase')} {_or('.status.startTime')} {_or('.metadata.deletionTimestamp')}\n"
    "{{range .status.conditions}}{{if and (eq .type `PodScheduled`) (eq .status `False`)}}"
    f">u {_or('.reason')} {_text('.message')}\n"
    "{{end}}{{end}}"
    "{{range .status.initContainerStatuses}}{{template `c` .}}{{end}}"
    "{{range .status.containerStatuses}}{{template `c` .}}{{end}}"
)
_CONTAINER = (
    ">c {{.restartCount}} {{if .ready}}ready{{else}}!{{end}}"
    "{{if .state.running}} running - -"
    "{{else if .state.terminated}}"
    f"{{{{with .state.terminated}}}} terminated {_or('.reason')} {{{{.exitCode}}}}{{{{end}}}}"
    f"{{{{else}}}} waiting {{{{with .state.waiting}}}}{_or('.reason')}{{{{else}}}}-{{{{end}}}} -{{{{end}}}}"
    f"{{{{with .lastState.terminated}}}} {_or('.reason')} {{{{.exitCode}}}} {_or('.finishedAt')} !{{{{end}}}}\n"
)
_WORKLOAD = (
    f">w {{{{.kind}}}} {{{{.metadata.namespace}}}} {{{{.metadata.name}}}} {_or('.metadata.generation')}"
    f" {{{{with .metadata.annotations}}}}{_REVISION} {_or('index . `hostdeck/replicas`')}{{{{else}}}}- -{{{{end}}}}"
    " {{if .spec.paused}}paused{{else}}-{{end}}"
    " {{with .spec.strategy}}{{.type}}{{else}}{{with .spec.updateStrategy}}{{.type}}{{else}}-{{end}}{{end}}"
    f" {_COUNTS} {_or('.status.observedGeneration')} {_PARTITION}"
    " {{.spec.template.spec.terminationGracePeriodSeconds}}\n"
    "{{range .spec.template.spec.containers}}>i {{urlquery .image}}\n{{end}}"
    "{{range .status.conditions}}"
    f">k {{{{.type}}}} {{{{.status}}}} {_or('.reason')} {_or('.lastTransitionTime')} {_text('.message')}\n"
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
    f">o {{{{.metadata.generation}}}} {_or('.status.observedGeneration', '0')} {_COUNTS}"
    f" {_SELECTOR}"
    f" {{{{with .metadata.annotations}}}}{_REVISION}{{{{else}}}}-{{{{end}}}} {_or('.status.updateRevision')}"
    ' {{if eq .kind "DaemonSet"}}{{.metadata.generation}}{{else}}-{{end}}\n'
)
"""Of one workload: generation, the one that its controller has seen, counts, selector, and its revision in the words of
its kind."""

PODS = (
    "{{range .items}}>o {{if .metadata.deletionTimestamp}}ending\n{{else}}up"
    "{{range .status.containerStatuses}} {{.restartCount}}{{end}}\n{{end}}{{end}}"
)
"""Of each pod: whether it stays, and how often its containers were started again."""


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
    return annotation("deployment.kubernetes.io/revision") if own.kind == "deploy" else "{{.revision}}"


def pod_spec(own: Workload) -> str:
    """Where a revision keeps the pods that it is of."""
    return ".spec.template.spec" if own.kind == "deploy" else ".data.spec.template.spec"


def numbers(own: Workload) -> str:
    """The number of each revision."""
    return of_revisions(own, f">o {number(own)}\n")
