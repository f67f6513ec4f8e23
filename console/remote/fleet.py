"""All hosts of a console: their pollers, and what the screens and commands may ask of them."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from console.core.difference import Difference, Pair
from console.core.environment import Environment
from console.core.finding import Finding, Severity
from console.core.plan import Plan, PlanProgress, Result
from console.core.probe import Probe
from console.core.release import Recipe, ReleaseBook
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import AbandonedPlan, Identity, LogLine, Snapshot
from console.core.text import sanitise
from console.core.usage import Usage
from console.managers.kubernetes_ports import PORTS
from console.probes import declared
from console.remote import books, environments, logs, usages
from console.remote.poller import Poller
from console.remote.shell import Answer, Ask
from console.remote.transport import ChannelRefusedError, HostSpec, Transport, TransportError

if TYPE_CHECKING:
    from console.remote.host_keys import HostKey
    from console.remote.plan_inspect import HostPlan
    from console.remote.plan_others import OtherPlan
    from console.remote.rights import Rights

T = TypeVar("T")

WATCH_EVERY = 0.5
"""Seconds between two looks at the age of every host's answers."""

OnChange = Callable[[Snapshot, tuple[Finding, ...]], None]


class UnknownHostError(KeyError):
    """No such host in this fleet."""

    def __str__(self) -> str:
        return f"no host {self.args[0]!r} in this fleet"


class Fleet:
    """The hosts of one console. ``start`` needs a running event loop; everything else does too."""

    can_shell: bool = True
    """Whether a person can log in to these hosts: those of the demo exist nowhere else."""

    def __init__(
        self,
        specs: Sequence[HostSpec],
        connect: Callable[[HostSpec], Transport],
        evaluate: Callable[[Snapshot], tuple[Finding, ...]],
        run: "Callable[[Plan, Fleet], AsyncGenerator[PlanProgress, None]] | None" = None,
        *,
        resume: "Callable[[Plan, Fleet], AsyncGenerator[PlanProgress, None]] | None" = None,
        missed: "Callable[[str, Fleet], Awaitable[tuple[HostPlan, ...]]] | None" = None,
        others: "Callable[[str, Fleet], Awaitable[tuple[OtherPlan, ...]]] | None" = None,
        prepare: Callable[[Sequence[HostSpec]], Awaitable[None]] | None = None,
        recipe: Callable[[ServiceRef, Sequence[Service]], Recipe | None] = lambda ref, services: None,
        interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """``interval``: seconds between two quick looks; with ``math.inf`` only ``tick`` and what changed ask."""
        self.hosts = tuple(specs)
        self._connect = connect
        self._evaluate = evaluate
        self._run = run
        self._resume = resume
        self._missed = missed
        self._others = others
        self._prepare = prepare
        self._recipe = recipe
        self._clock = clock
        self._wall = wall
        self._on_change: OnChange | None = None
        self._findings: dict[str, tuple[Snapshot, tuple[Finding, ...]]] = {}
        """What was judged last, and by which snapshot."""
        self._pollers = {
            spec.name: Poller(spec, connect, self._changed, interval=interval, clock=clock, wall=wall) for spec in specs
        }
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, on_change: OnChange | None = None) -> None:
        """Connect to every host and keep looking. ``on_change`` is called in the loop, once per host and change.

        Without it a host is judged only when its findings are asked for.
        """
        self._on_change = on_change
        ready = asyncio.create_task(self._ready(), name="prepare")
        polls = [
            asyncio.create_task(_after(ready, poller), name=f"poll {name}") for name, poller in self._pollers.items()
        ]
        self._tasks = [ready, *polls]
        self._tasks.append(asyncio.create_task(self._watch_ages(), name="ages"))

    async def stop(self) -> None:
        """End every connection. Never raises."""
        tasks, self._tasks = self._tasks, []
        for poller in self._pollers.values():
            poller.end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def spec(self, host: str) -> HostSpec:
        """How a host is reached; raises ``UnknownHostError``."""
        return self._poller(host).spec

    def snapshot(self, host: str) -> Snapshot:
        """What is known of a host now."""
        return self._poller(host).snapshot

    def findings(self, host: str) -> tuple[Finding, ...]:
        """What is wrong with a host now, worst first."""
        return self._judged(self.snapshot(host))

    async def seen(self, host: str) -> Snapshot:
        """Wait until all but some of a host's service managers was looked at, or it is known to be down."""
        return await self._poller(host).seen()

    async def settled(self, host: str) -> Snapshot:
        """Wait until a host was looked at as a whole, or is known to be down."""
        return await self._poller(host).settled()

    async def checked(self, host: str) -> Snapshot:
        """The same, and for what the declared health checks of its services say."""
        return await self._poller(host).checked()

    async def refresh(self, host: str) -> Snapshot:
        """Ask a host everything now; a host that is down is tried again at once."""
        return await self._poller(host).refresh()

    async def tick(self, host: str) -> None:
        """Ask a host what is due, now; for those who keep the time themselves."""
        await self._poller(host).tick()

    async def ask(self, host: str, probe: Probe[T], *args: str) -> T:
        """Ask one probe on demand; raises ``TransportError`` (host down) or ``ProbeError`` (no answer)."""
        value: T = await self._poller(host).ask(probe, *args)
        return value

    async def ask_all(self, host: str, asks: Sequence[Ask]) -> list[Answer]:
        """Ask several probes in as few trips as possible; raises ``TransportError`` when the host is not connected."""
        return await self._poller(host).looking.ask_all(asks)

    async def releases(self, ref: ServiceRef) -> ReleaseBook:
        """Ask a service's host for its releases, which its snapshot then has; raises ``TransportError``.

        Where they cannot be told the book says why.
        """
        poller = self._poller(ref.host)
        service = poller.snapshot.service(ref)
        recipe = self._recipe(ref, poller.snapshot.services)
        ask, why_not = books.asks_for(ref, service, recipe)
        # What the plan wants of ports it takes from files that may be others by now.
        files = [Ask(declared.PROBE, declared.words(poller.snapshot))] if poller.snapshot.declared is not None else []
        answer = None if ask is None else (await poller.looking.ask_all([ask, *files]))[0]
        failure = why_not if answer is None else answer.failure
        if answer is None or failure is not None:
            book = ReleaseBook(ref, failure=failure)
        else:
            book = replace(answer.value, ref=ref)
            if recipe is not None and recipe.local_source is not None:
                from console.remote import work_tree_here

                book = replace(book, source=await work_tree_here.look(recipe.local_source))
        poller.book(book)
        return book

    async def environment(self, ref: ServiceRef) -> Environment:
        """Ask a service's host for its environment, masked; no snapshot keeps it. Raises ``TransportError``."""
        poller = self._poller(ref.host)
        ask, why_not = environments.asks_for(ref, poller.snapshot.service(ref))
        if ask is None:
            return Environment(ref, failure=why_not)
        [answer] = await poller.looking.ask_all([ask])
        return environments.read(ref, answer)

    async def usage(self, ref: ServiceRef) -> Usage:
        """What a service uses by now, asked of its host; no snapshot keeps it. Raises ``TransportError``."""
        poller = self._poller(ref.host)
        ask, why_not = usages.asks_for(ref, poller.snapshot.service(ref))
        if ask is None:
            return Usage(failure=why_not)
        [answer] = await poller.looking.ask_all([ask])
        return Usage(answer.value if answer.failure is None else None, failure=answer.failure)

    async def difference(self, pair: Pair, *, again: bool = False) -> Difference:
        """What the target of a pair would change, which its host's snapshot then has; raises ``TransportError``.

        A pair is asked once, unless that failed or ``again`` is wanted. Where it cannot be told it says why.
        """
        poller = self._poller(pair.ref.host)
        async with poller.comparing:
            known = poller.snapshot.difference(pair)
            if known is not None and known.failure is None and not again:
                return known
            recipe = self._recipe(pair.ref, poller.snapshot.services)
            ask, why_not = books.compares(pair, poller.snapshot, recipe)
            if ask is not None and books.is_here(pair, recipe):
                from console.remote import work_tree_here

                found = replace(await work_tree_here.compare(ask), pair=pair)
            else:
                answer = None if ask is None else (await poller.looking.ask_all([ask]))[0]
                failure = why_not if answer is None else answer.failure
                told = answer is not None and failure is None
                found = replace(answer.value, pair=pair) if answer and told else Difference(pair, failure=failure)
            poller.difference(found)
        return found

    def abandoned(self, host: str, plans: tuple[AbandonedPlan, ...]) -> None:
        """Tell which plans were left on a host without an end, once its plans were looked at."""
        self._poller(host).abandoned(plans)

    async def look_at_files(self, host: str) -> None:
        """Take anew what its cluster gives away and what the files of a host declare, where one of them changed; raises
        ``TransportError``."""
        snapshot = self.snapshot(host)
        cluster = [Ask(PORTS)] if snapshot.source(PORTS.name) is not None else []
        await self.ask_all(host, [Ask(declared.PROBE, declared.words(snapshot)), *cluster])

    def touch(self, host: str, units: Sequence[str]) -> None:
        """Look again at these services soon, e.g. because an action may have changed them."""
        self._poller(host).looking.touch(units)

    def transport(self, host: str) -> Transport:
        """The connection of a host that is up; raises ``TransportError``."""
        session = self._poller(host).session
        if session is None:
            link = self.snapshot(host).link
            raise TransportError(link.code or "lost", link.error or f"{host} is not connected")
        return session.transport

    def own_transport(self, host: str) -> Transport:
        """A further connection to a host, not connected yet; the caller closes it."""
        return self._connect(self.spec(host))

    async def follow(
        self,
        ref: ServiceRef,
        *,
        lines: int = 200,
        since: float | None = None,
        follow_on: bool = True,
        file: str = "",
        untimed: int = 200,
    ) -> AsyncIterator[LogLine]:
        """The log of a service, or one file of its host, oldest line first; with ``follow_on`` it goes on.

        ``since`` is in the host's clock. Where lines have no time it cannot be applied: then the last ``untimed`` are
        told, each marked so. Raises ``TransportError`` when the host cannot be reached or the link is lost.
        """
        transport = self.transport(ref.host)
        snapshot = self.snapshot(ref.host)
        service = snapshot.service(ref) or Service(ref, State.UNKNOWN, "not asked")
        now = self._wall() + (snapshot.clock_skew or 0.0)
        own = None
        try:
            command, read_line = logs.timed_source(
                service, lines=lines, since=since, follow=follow_on, file=file, now=now, untimed=untimed
            )
            try:
                channel = await transport.open(command.argv)
            except ChannelRefusedError:
                # MaxSessions 1: the probe shell has the only channel, so the log gets a connection of its own.
                own = self._connect(self.spec(ref.host))
                await own.connect()
                channel = await own.open(command.argv)
            async with aclosing(logs.follow(channel, read_line)) as lines_read:
                async for line in lines_read:
                    yield line
            if own is None and not transport.connected:
                # The channel was closed with its connection: to its reader that looks as if the program had ended.
                raise self._poller(ref.host).failure or TransportError("lost", f"{ref.host} is not connected any more")
        finally:
            if own is not None:
                await own.close()

    async def execute(self, plan: Plan) -> AsyncIterator[PlanProgress]:
        """Run a plan on its host, tell how far it is until it has a result, then look at its services again."""
        if self._run is None:
            raise RuntimeError("this fleet was made to look only")
        last: PlanProgress | None = None
        async with aclosing(self._run(plan, self)) as told:
            async for last in told:
                yield last
        if last is not None and last.result in (Result.DONE, Result.UNDONE, Result.FAILED):
            left = self.snapshot(plan.target.host).abandoned
            self.abandoned(plan.target.host, tuple(one for one in left if one.ref != plan.target))
        with suppress(TransportError):
            self.touch(plan.target.host, [ref.name for ref in (plan.target, *plan.touches)])

    async def missed(self, host: str) -> "tuple[HostPlan, ...]":
        """Plans of this person whose end no console saw: those that run on the host, and those that ended meanwhile.

        Raises ``TransportError``, and ``AuditError`` where the audit trail cannot be read or written.
        """
        return () if self._missed is None else await self._missed(host, self)

    async def others(self, host: str) -> "tuple[OtherPlan, ...]":
        """Plans that run on a host, or were left there without a result, whoever began them; ``TransportError``."""
        return () if self._others is None else await self._others(host, self)

    async def resume(self, plan: Plan) -> AsyncIterator[PlanProgress]:
        """Watch a plan that runs on its host already, to its result; nothing is sent."""
        if self._resume is None:
            raise RuntimeError("this fleet was made to look only")
        async with aclosing(self._resume(plan, self)) as told:
            async for progress in told:
                yield progress

    async def rights(self, host: str, plan: Plan) -> "Rights":
        """Whether the connected user may run every step, and which sudoers line is missing."""
        from console.remote.rights import rights

        identity = self.identity(host)
        try:
            return await rights(self.transport(host), plan, identity)
        except ChannelRefusedError:
            # MaxSessions 1: the probe shell has the only channel.
            own = self.own_transport(host)
            try:
                return await rights(own, plan, identity)
            finally:
                await own.close()

    def identity(self, host: str) -> Identity:
        """Who the console is on a host; raises ``TransportError`` when the host did not say so yet."""
        found = self.snapshot(host).identity
        if found is None:
            raise TransportError("lost", f"{host} did not say who we are there yet")
        return found

    def offered_key(self, host: str) -> "HostKey | None":
        """The unknown key that the host showed at the last attempt."""
        return self._poller(host).offered

    async def accept_host_key(self, host: str, fingerprint: str) -> None:
        """Note the offered key in known_hosts if it still has this fingerprint, and connect again."""
        from console.remote.host_keys import accept

        key = self.offered_key(host)
        if key is None or key.fingerprint != fingerprint:
            raise TransportError("host-key-unknown", f"{host} does not offer {fingerprint} any more: look again")
        await asyncio.to_thread(accept, key)
        self._poller(host).retry_now()

    def _poller(self, host: str) -> Poller:
        try:
            return self._pollers[host]
        except KeyError:
            raise UnknownHostError(host) from None

    def _changed(self, snapshot: Snapshot) -> None:
        if self._on_change is None:
            return
        findings = self._judged(snapshot)
        try:
            self._on_change(snapshot, findings)
        except Exception as error:
            # The screen's fault must not end the watching of a host.
            context = {"message": f"{snapshot.host}: a change could not be shown", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    def _judged(self, snapshot: Snapshot) -> tuple[Finding, ...]:
        judged, findings = self._findings.get(snapshot.host, (None, ()))
        if judged is snapshot:
            return findings
        try:
            findings = self._evaluate(snapshot)
        except Exception as error:
            # A rule that fails must neither hide the host nor end the watching; it must be seen.
            findings = (_fault(snapshot.host, error),)
        self._findings[snapshot.host] = (snapshot, findings)
        return findings

    async def _ready(self) -> None:
        if self._prepare is not None:
            # What fails here fails again at each connect, where the host it concerns can say so.
            with suppress(Exception):
                await self._prepare(self.hosts)

    async def _watch_ages(self) -> None:
        while True:
            await asyncio.sleep(WATCH_EVERY)
            now = self._clock()
            for poller in self._pollers.values():
                poller.check_age(now)


async def _after(ready: "asyncio.Task[None]", poller: Poller) -> None:
    await asyncio.shield(ready)
    await poller.run()


def _fault(host: str, error: Exception) -> Finding:
    summary = f"hostdeck could not judge this host, please report it: {type(error).__name__}: {error}"
    return Finding("internal-error", Severity.WARNING, host, "hostdeck", sanitise(summary))
