"""Kubernetes: the real kubectl of a lab host and a stand-in for the API server, of which ``tests.lab.kube`` tells."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from console.actions import RefusedError, plan
from console.core.command import Command
from console.core.finding import Severity
from console.core.plan import ActionKind, Intent, Plan, PlanProgress, Result, StepState
from console.core.release import ReleaseBook
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Snapshot
from console.findings import evaluate
from console.managers import MANAGERS
from console.managers.kubernetes import KUBERNETES, PRESENCE, SURVEY
from console.managers.kubernetes_names import KINDS
from console.managers.kubernetes_releases import REVISIONS
from console.remote import logs
from console.remote.runner import new_plan_id
from console.remote.transport import HostSpec, Transport
from tests.lab import Host, Lab
from tests.lab.kube import KubeApi
from tests.lab.kube_cluster import Controller
from tests.probes.asking import RefusedError as FailedError
from tests.probes.asking import over_ssh
from tests.remote.real import QUICK, ask, connected, look, run
from tests.remote.watching import watching

STATES = {
    "shop/deploy/api": ("running", "3/3 ready", None),
    "shop/deploy/crash": ("flapping", None, "CrashLoopBackOff"),
    "shop/deploy/oom": ("flapping", None, "OOMKilled"),
    "shop/deploy/image": ("failed", "0/1 ready, ImagePullBackOff", "ImagePullBackOff"),
    "shop/deploy/big": ("failed", "0/2 ready, Unschedulable", "Unschedulable"),
    "shop/deploy/slow": ("starting", "0/1 ready", None),
    "shop/deploy/off": ("stopped", "0 wanted", None),
    "shop/deploy/back-root": ("running", "3/3 ready", None),
    "shop/deploy/back-oncall": ("running", "3/3 ready", None),
    "shop/sts/back-root": ("running", "3/3 ready", None),
    "shop/ds/back-oncall": ("running", "3/3 ready", None),
    "shop/sts/db": ("running", "2/2 ready", None),
    "kube-system/ds/agent": ("running", "2/2 ready", None),
}


@dataclass(frozen=True)
class Place:
    host: Host
    api: KubeApi

    def login(self, user: str, text: str) -> None:
        home = "/root" if user == "root" else f"/home/{user}"
        self.host.run(["install", "-d", "-o", user, "-m", "700", f"{home}/.kube"])
        self.host.write(f"{home}/.kube/config", text, mode=0o600, owner=f"{user}:{user}")


@pytest.fixture(scope="module")
def place(lab: Lab) -> Iterator[Place]:
    host = lab.boot("kubehost")
    with KubeApi(lab.network.gateway) as api:
        zoo = {"crash": "crash", "oom": "oom", "image": "image", "slow": "unready"}
        for name, fate in zoo.items():
            api.add("Deployment", f"shop/{name}", 1, fate)
        api.add("Deployment", "shop/big", 2, "unschedulable")
        api.add("Deployment", "shop/off", 0)
        api.add("Deployment", "shop/api", 3)
        api.add("Deployment", "shop/back-root", 3)
        api.add("Deployment", "shop/back-oncall", 3)
        api.add("StatefulSet", "shop/back-root", 3)
        api.add("DaemonSet", "shop/back-oncall", 3)
        api.add("StatefulSet", "shop/db", 2)
        api.add("DaemonSet", "kube-system/agent", 2)
        api.cluster.may["viewer"] = lambda request: request.namespace == "shop"
        api.cluster.may["nobody"] = lambda _: False
        made = Place(host, api)
        made.login("root", api.config(context="prod-eu"))
        made.login("oncall", api.config())
        yield made


@pytest.fixture
def api(place: Place) -> Iterator[KubeApi]:
    yield place.api
    place.api.cluster.hung = False
    place.api.cluster.patches.clear()
    for each in place.api.cluster.workloads.values():
        if each.name in ("api", "db", "agent"):
            each.fate = "ready"
            for pod in each.pods:
                pod.fate = "ready"


async def seen(transport: Transport) -> Snapshot:
    """The host as the poller would show it."""
    where = await look(transport)
    mine = (
        replace(each, ref=replace(each.ref, host=transport.host)) for each in (await ask(transport, SURVEY)).services
    )
    return replace(where, services=(*where.services, *mine))


async def one(transport: Transport, name: str) -> Service:
    return next(service for service in (await ask(transport, SURVEY)).services if service.ref.name == name)


async def planned(transport: Transport, kind: ActionKind, name: str) -> Plan:
    intent = Intent(kind, ServiceRef(transport.host, "kubernetes", name))
    settings = replace(QUICK, hold=1.0)
    return plan(intent, await seen(transport), managers=MANAGERS, settings=settings, plan_id=new_plan_id())


async def done(transport: Transport, kind: ActionKind, name: str, *, root: bool = True) -> PlanProgress:
    return await run(transport, await planned(transport, kind, name), root=root)


def test_the_true_state_of_every_workload(lab: Lab, place: Place) -> None:
    way = over_ssh(lab, place.host)
    way.ask(SURVEY)
    time.sleep(2.5)
    text = way.output(SURVEY)
    found = {service.ref.name: service for service in SURVEY.parse(text).services}
    assert found.keys() == STATES.keys()
    for name, (state, native, result) in STATES.items():
        service = found[name]
        assert service.state.value == state, service
        # Between two crashes it runs, and is ready.
        assert service.result in (result, "Error" if name == "shop/deploy/crash" else result)
        assert native in (None, service.native_state)
    assert found["shop/deploy/oom"].exit_code == 137
    assert found["shop/deploy/big"].description == "0/3 nodes are available: 3 Insufficient memory!"
    api = found["shop/deploy/api"]
    assert (api.group, api.image, api.replicas) == ("shop", "registry.example/api:1.4.2", 3)
    assert api.chain == ("kubernetes", "prod-eu (production)", "shop/deploy/api")
    assert api.tool == ("kubectl", "--kubeconfig", "/root/.kube/config", "--context", "prod-eu")
    assert api.since is not None
    # Nothing of what a pod is given in its environment, and no token, ever crosses the link.
    assert "s3cr3t" not in text
    assert "token" not in text.lower()
    assert len(text) < 200 * len(found) + 125 * 20


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox sh"])
def test_in_every_shell(lab: Lab, place: Place, shell: str) -> None:
    way = over_ssh(lab, place.host)
    assert way.ask(PRESENCE, shell=shell).startswith("config /root/.kube/config\n/root/.kube/config 1")
    assert {service.ref.name for service in way.ask(SURVEY, shell=shell).services} == STATES.keys()


def test_who_has_no_kubeconfig_has_no_cluster_and_who_may_not_read_it_is_told(lab: Lab, place: Place) -> None:
    way = over_ssh(lab, place.host, "nosudo")
    assert way.ask(PRESENCE) == ""
    place.host.write("/etc/rancher/k3s/k3s.yaml", place.api.config(), mode=0o600)
    try:
        assert way.ask(PRESENCE) == "denied /etc/rancher/k3s/k3s.yaml"
        with pytest.raises(FailedError, match=r"only root can read /etc/rancher/k3s/k3s\.yaml: connect as root, or"):
            way.ask(SURVEY)
        assert over_ssh(lab, place.host).ask(PRESENCE).startswith("config /root/.kube/config")
    finally:
        place.host.run(["rm", "/etc/rancher/k3s/k3s.yaml"])


def test_what_may_not_be_listed_everywhere_is_listed_in_its_own_namespace(lab: Lab, place: Place, api: KubeApi) -> None:
    place.login("nosudo", api.config(user="viewer", namespace="shop"))
    found = over_ssh(lab, place.host, "nosudo").ask(SURVEY)
    assert {service.ref.name for service in found.services} == {name for name in STATES if name.startswith("shop/")}
    assert found.unseen.why == (
        "context lab may list deployments, stateful sets, daemon sets and pods of namespace shop alone: "
        "bind it a ClusterRole with the verb list for deployments.apps,statefulsets.apps,daemonsets.apps,pods"
    )
    pods = api.cluster.may["viewer"]
    api.cluster.may["viewer"] = lambda request: pods(request) and getattr(request.resource, "plural", "") != "pods"
    try:
        told = over_ssh(lab, place.host, "nosudo").ask(SURVEY)
        blind = {each.ref.name: each for each in told.services}["shop/deploy/api"]
        assert (blind.restarts, blind.native_state) == (None, "3/3 ready")
        assert blind.description == "its pods are hidden from this user"
    finally:
        api.cluster.may["viewer"] = pods


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("nobody", r"context lab may not list services: \S+ is forbidden: User \"nobody\" cannot list"),
        ("stranger", r"https://\S+ does not accept the credentials of context lab: log in again"),
        ("refused", r"https://\S+:9 refuses the connection: does the API server run"),
        ("none", r"/home/nosudo/\.kube/config has no current context: kubectl config use-context NAME"),
        ("rubbish", r"kubectl: .*"),
    ],
)
def test_one_line_says_why_it_cannot_be_told(lab: Lab, place: Place, api: KubeApi, change: str, said: str) -> None:
    text = {
        "nobody": api.config(user="nobody"),
        "stranger": api.config(user="stranger"),
        "refused": api.config(server=f"https://{lab.network.gateway}:9"),
        "none": api.config().replace('"current-context": "lab"', '"current-context": ""'),
        "rubbish": "{{{",
    }[change]
    place.login("nosudo", text)
    with pytest.raises(FailedError, match=f"^{said}[^\n]*$") as told:
        over_ssh(lab, place.host, "nosudo").ask(SURVEY)
    assert "\n" not in str(told.value)


def test_an_expired_certificate_is_told(lab: Lab, place: Place) -> None:
    with KubeApi(lab.network.gateway, days=-1) as old:
        place.login("nosudo", old.config())
        with pytest.raises(
            FailedError, match=f"^a certificate for {old.url} has expired or is not valid yet: renew it"
        ):
            over_ssh(lab, place.host, "nosudo").ask(SURVEY)


@pytest.mark.parametrize(("user", "name"), [("root", "deploy/api"), ("oncall", "sts/db")])
async def test_a_restart_replaces_every_pod(lab: Lab, place: Place, api: KubeApi, user: str, name: str) -> None:
    found = next(each for each in api.cluster.workloads.values() if each.name == name.partition("/")[2])
    async with connected("kubehost", lab.ssh_config(user)) as transport:
        before = {pod.uid for pod in found.pods if pod.ending is None}
        wanted = await planned(transport, ActionKind.RESTART, f"shop/{name}")
        assert wanted.ends == (f"shop/{name}: its stop signal, then SIGKILL after 30 s",)
        last = await run(transport, wanted, root=user == "root")
        assert (last.result, last.reason) == (Result.DONE, None), last
        [(kind, path, patch)] = api.cluster.patches
        assert kind == "application/strategic-merge-patch+json"
        assert path.endswith(found.name)
        assert "kubectl.kubernetes.io/restartedAt" in str(patch)
        now = {pod.uid for pod in found.pods if pod.ending is None}
        assert len(now) == len(before)
        assert not now & before
        assert "a new run" in last.proof
        production = "context prod-eu is a production cluster"
        assert (production in wanted.warnings) is (user == "root")
    # Root's plan is a unit of its own, without a home unless it is given one: nothing is left at the root.
    assert place.host.run(["test", "-e", "/.kube"], check=False).returncode == 1


async def test_a_restart_that_dies_soon_is_flapping_and_rolled_back(lab: Lab, place: Place, api: KubeApi) -> None:
    """Row 36: ready at first, which is all that a rollout waits for."""
    found = api.cluster.workloads["Deployment", "shop", "api"]
    async with connected("kubehost", lab.ssh_config("root")) as transport:
        wanted = await planned(transport, ActionKind.RESTART, "shop/deploy/api")
        checks = tuple(replace(check, hold=5.0) for check in wanted.checks)
        found.fate = "crash"
        last = await run(transport, replace(wanted, checks=checks), root=True)
        assert last.result is Result.UNDONE, last
        assert last.reason is not None
        assert last.reason.startswith("flapping: ")
        assert api.cluster.patches[-1][0] == "application/json-patch+json"


async def whole(found: Controller) -> None:
    """Wait until a rollout of before has ended."""
    async with asyncio.timeout(30):
        while True:
            found.reconcile()
            alive = [pod for pod in found.pods if pod.ending is None]
            if len(alive) == 3 and all(pod.ready for pod in alive):
                return
            await asyncio.sleep(0.1)


async def test_a_rollout_that_is_stuck_is_undone_and_costs_no_pod(lab: Lab, place: Place, api: KubeApi) -> None:
    found = api.cluster.workloads["Deployment", "shop", "api"]
    async with connected("kubehost", lab.ssh_config("root")) as transport:
        await whole(found)
        wanted = await planned(transport, ActionKind.RESTART, "shop/deploy/api")
        before = {pod.uid for pod in found.pods if pod.ending is None}
        found.fate = "image"
        restart, wait = wanted.steps
        hurried = tuple("--timeout=2s" if word.startswith("--timeout=") else word for word in wait.command.argv)
        wait = replace(wait, command=replace(wait.command, argv=hurried))
        last = await run(transport, replace(wanted, steps=(restart, wait)), root=True)
        assert last.result is Result.UNDONE, last
        assert [step.state for step in last.steps] == [StepState.UNDONE, StepState.FAILED]
        found.reconcile()
        assert {pod.uid for pod in found.pods if pod.ending is None} == before
        again = await one(transport, "shop/deploy/api")
        assert (again.state, again.native_state) == (State.RUNNING, "3/3 ready")


async def test_a_rollout_that_is_stuck_is_a_finding_while_the_pods_of_before_serve(
    lab: Lab, place: Place, api: KubeApi
) -> None:
    found = api.cluster.workloads["Deployment", "shop", "api"]
    async with connected("kubehost", lab.ssh_config("root")) as transport:
        await whole(found)
        found.fate = "image"
        place.host.sh("kubectl -n shop rollout restart deployment/api")
        while (await one(transport, "shop/deploy/api")).result != "ImagePullBackOff":
            found.reconcile()
        [told] = [each for each in evaluate(await seen(transport)) if "shop/deploy/api" in each.subject]
        assert (told.code, told.severity) == ("rollout-stuck", Severity.WARNING)


async def released(transport: Transport, name: str, to: str | None = None) -> tuple[ReleaseBook, Plan]:
    """The releases of a workload, and the plan of a roll back."""
    service = await one(transport, name)
    words = " ".join(map(shlex.quote, KUBERNETES.release_words(service, None)))
    script = f"probe() {{\n{REVISIONS.script}\n}}\nprobe {words}\n"
    output = await transport.run(Command(("sh",), timeout=30.0), script.encode())
    assert output.exit == 0, output.stderr
    ref = ServiceRef(transport.host, "kubernetes", name)
    book = replace(REVISIONS.parse(output.stdout.removesuffix("\n")), ref=ref)
    where = replace(await seen(transport), books=(book,))
    intent = Intent(ActionKind.ROLLBACK, ref, release=to)
    settings = replace(QUICK, hold=1.0)
    return book, plan(intent, where, managers=MANAGERS, settings=settings, plan_id=new_plan_id())


@pytest.mark.parametrize(
    ("user", "kind"),
    [("root", "Deployment"), ("oncall", "Deployment"), ("root", "StatefulSet"), ("oncall", "DaemonSet")],
)
async def test_a_roll_back_goes_to_a_named_revision_and_back_again(
    lab: Lab, place: Place, api: KubeApi, user: str, kind: str
) -> None:
    found = api.cluster.workloads[kind, "shop", f"back-{user}"]
    name = f"shop/{KINDS[kind]}/back-{user}"
    found.release("registry.example/back:2.0", "ticket 4711")
    async with connected("kubehost", lab.ssh_config(user)) as transport:
        await whole(found)
        book, wanted = await released(transport, name)
        assert [(one.id, one.version, one.live) for one in book.releases] == [("2", "2.0", True), ("1", "1.4.2", False)]
        assert book.releases[0].note == "registry.example/back:2.0; ticket 4711"
        last = await run(transport, wanted, root=user == "root")
        assert (last.result, last.reason) == (Result.DONE, None), last
        assert f"rollout undo {kind.lower()}/" in wanted.commands[0]
        assert wanted.commands[0].endswith("--to-revision=1")
        assert found.object["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":1.4.2")

        book, wanted = await released(transport, name)
        assert [(one.id, one.live) for one in book.releases] == [("3", True), ("2", False)]
        last = await run(transport, wanted, root=user == "root")
        assert last.result is Result.DONE, last
        assert found.object["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":2.0")

        # The pods of a revision that nobody can pull any more: the one that was live is taken back.
        book, wanted = await released(transport, name, "3")
        found.fate = "image"
        undo, wait = wanted.steps
        hurried = tuple("--timeout=2s" if word.startswith("--timeout=") else word for word in wait.command.argv)
        wanted = replace(wanted, steps=(undo, replace(wait, command=replace(wait.command, argv=hurried))))
        last = await run(transport, wanted, root=user == "root")
        found.fate = "ready"
        assert last.result is Result.UNDONE, last
        assert found.object["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":2.0")

        with pytest.raises(RefusedError, match="has no release 9"):
            await released(transport, name, "9")
        # Somebody else releases between the look and the plan.
        book, wanted = await released(transport, name)
        found.release("registry.example/back:3.0")
        last = await run(transport, wanted, root=user == "root")
        assert last.result is Result.REFUSED, last
        assert "somebody released in between" in (last.reason or "")


async def test_stop_is_scale_to_zero_and_start_brings_back_as_many(lab: Lab, place: Place, api: KubeApi) -> None:
    """Row 37 with it: the last pods end when they do."""
    found = api.cluster.workloads["Deployment", "shop", "api"]
    found.grace = 600.0
    async with connected("kubehost", lab.ssh_config("oncall")) as transport:
        last = await done(transport, ActionKind.STOP, "shop/deploy/api", root=False)
        assert (last.result, last.reason) == (Result.DONE, None), last
        assert "scaled to 0; the last pods end within their grace period" in last.proof
        ending = await one(transport, "shop/deploy/api")
        assert (ending.state, ending.native_state) == (State.RUNNING, "0 wanted, 3 left")
        with pytest.raises(RefusedError, match="is scaled to 0: start it"):
            await planned(transport, ActionKind.RESTART, "shop/deploy/api")
        found.grace = 0.3
        for pod in found.pods:
            pod.ending = 0.0
        stopped = await one(transport, "shop/deploy/api")
        assert (stopped.state, stopped.native_state, stopped.replicas) == (State.STOPPED, "0 wanted", 3)
        last = await done(transport, ActionKind.START, "shop/deploy/api", root=False)
        assert (last.result, last.reason) == (Result.DONE, None), last
        assert "3/3 ready" in last.proof
        assert [kind for kind, _, _ in api.cluster.patches] == ["application/merge-patch+json"] * 2


@pytest.mark.parametrize(
    ("kind", "name", "why"),
    [
        (ActionKind.RELOAD, "shop/deploy/api", "Kubernetes knows no reload"),
        (ActionKind.STOP, "kube-system/ds/agent", "it runs on every node that it matches"),
        (ActionKind.STOP, "shop/deploy/off", "is stopped already"),
    ],
)
async def test_what_it_cannot_do_is_refused_with_the_reason(
    lab: Lab, place: Place, kind: ActionKind, name: str, why: str
) -> None:
    async with connected("kubehost", lab.ssh_config("root")) as transport:
        with pytest.raises(RefusedError, match=why):
            await planned(transport, kind, name)


async def test_the_logs_of_all_its_pods(lab: Lab, place: Place, api: KubeApi) -> None:
    async with connected("kubehost", lab.ssh_config("root")) as transport:
        service = await one(transport, "shop/sts/db")
        command, read = logs.source(service, lines=50, since=None, follow=False)
        lines = [read(text) for text in (await transport.run(command)).stdout.splitlines()]
        told = [line for line in lines if line is not None]
        assert len({line.source for line in told}) == 2
        assert [line.at for line in told] == sorted(line.at or 0.0 for line in told)
        assert ("warning", "token=******** was near its end") in {(line.level, line.message) for line in told}
        command, read = logs.source(service, lines=0, since=None, follow=True)
        sources = set()
        async for line in logs.follow(await transport.open(command.argv), read):
            assert "served" in line.message
            sources.add(line.source)
            if len(sources) == 2:
                break
        # Those that take their place are followed too.
        command, read = logs.source(service, lines=0, since=None, follow=True)
        new: set[str] = set()
        restart = "kubectl -n shop rollout restart statefulset/db"
        async with asyncio.timeout(40):
            async for line in logs.follow(await transport.open(command.argv), read):
                if restart and line.source in sources:
                    await asyncio.to_thread(place.host.sh, restart)
                    restart = ""
                elif line.message == f"starting {line.source.partition('/')[0]}":
                    new.add(line.source)
                if len(new) == 2:
                    break
        assert not new & sources
        command, read = logs.source(await one(transport, "shop/deploy/image"), lines=9, since=None, follow=False)
        output = await transport.run(command)
        [said] = [read(text) for text in output.stdout.splitlines()]
        assert said is not None
        assert said.message.endswith("is waiting to start: trying and failing to pull image")


async def test_a_hung_api_server_leaves_the_other_managers_alone(lab: Lab, place: Place, api: KubeApi) -> None:
    """Row 48."""
    spec = HostSpec("kubehost", "kubehost", ssh_config=str(lab.ssh_config("root")), connect_timeout=4.0)

    def told(snapshot: Snapshot) -> bool:
        return any(service.ref.manager == "kubernetes" for service in snapshot.services)

    def failed(snapshot: Snapshot) -> bool:
        source = snapshot.source("kubernetes")
        return source is not None and source.failure is not None

    async with watching(spec) as watched:
        await watched.until("kubehost", told, 20)
        api.cluster.hung = True
        watched.fleet.touch("kubehost", ())
        await watched.until("kubehost", failed, 40)
        snapshot = watched.fleet.snapshot("kubehost")
        source = snapshot.source("kubernetes")
        assert source is not None
        assert source.failure is not None
        assert "did not answer within" in source.failure
        assert told(snapshot)
        others = [snapshot.source(name) for name in ("systemd", "listeners")]
        assert all(other is not None and other.failure is None for other in others)
        async with watching(spec) as later:
            await later.until("kubehost", failed, 40)
            # Nothing was ever seen of it.
            found = [one for one in evaluate(later.fleet.snapshot("kubehost")) if one.code == "manager-silent"]
            assert [(one.subject, one.severity) for one in found] == [("kubernetes", Severity.CRITICAL)]
            assert "did not answer within" in found[0].evidence[0]
            assert "kubectl get --raw=/readyz" in found[0].evidence[0]
        api.cluster.hung = False
        watched.fleet.touch("kubehost", ())
        await watched.until("kubehost", lambda snapshot: not failed(snapshot), 40)


async def test_who_may_write_one_object_tells_of_no_other(lab: Lab, place: Place, api: KubeApi) -> None:
    forged = "1 - RollingUpdate 1 1 1 1 1 0\n>w Deployment shop image 9 7 - - RollingUpdate 1 1 1 1 9 0\n>x"
    own = api.add("StatefulSet", "tenant/toy", 1)
    marks = own.object["metadata"].setdefault("annotations", {})
    try:
        async with connected(place.host.name, lab.ssh_config("root")) as transport:
            before = await one(transport, "shop/deploy/image")
            for key in ("hostdeck/replicas", "deployment.kubernetes.io/revision"):
                marks[key] = forged
                after = await one(transport, "shop/deploy/image")
                assert (after.state, after.native_state) == (before.state, before.native_state) != ("running", "")
                assert (await one(transport, "tenant/sts/toy")).replicas == 1
    finally:
        api.cluster.workloads = {key: each for key, each in api.cluster.workloads.items() if each is not own}
