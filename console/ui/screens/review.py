"""A plan before it is run, while it runs, and after: the same screen from the first look to the proof."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static

from console.core.keys import TABS, Place
from console.core.plan import Plan, Result
from console.ui import keymap, off
from console.ui.messages import ChangeMoved
from console.ui.present import plans as present
from console.ui.screens.deck_screen import DeckScreen
from console.ui.selection import Selection
from console.ui.widgets.detail import Detail, Entry, Heading
from console.ui.widgets.plan_steps import PlanSteps

if TYPE_CHECKING:
    from textual._path import CSSPathType
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from console.ui.changes import Change


class ReviewScreen(DeckScreen):
    """Shows plans and runs them one after the other; what failed stops those behind it.

    Nothing runs by a habit: Cancel has the focus, and only ctrl+r or the second button runs.
    """

    PLACE: ClassVar[Place] = Place.REVIEW
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.REVIEW), ("left,right", "app.focus_next")]
    CSS_PATH: ClassVar[CSSPathType] = ["buttons.tcss", "review.tcss"]
    AUTO_FOCUS: ClassVar[str | None] = "#cancel"

    def __init__(self, plans: tuple[Plan, ...]) -> None:
        super().__init__()
        self.plans = plans
        self._denied: str | None = None
        self._doubts: list[str] = []
        self._started = False

    def body(self) -> ComposeResult:
        """Title, plan, steps, result, reason, answers."""
        yield Static(id="title", markup=False)
        yield Detail(id="plan")
        yield PlanSteps(id="steps")
        yield Detail(id="result")
        yield Input(placeholder="reason, e.g. incident 4711 (goes into the audit trail)", id="reason", compact=True)
        with Horizontal(id="buttons"):
            yield Button("Cancel", id="cancel", compact=True)
            yield Button("Run (ctrl+r)", id="run", compact=True)

    @property
    def focus_chain(self) -> list[Widget]:
        """From Cancel to the reason, and only then to Run."""
        order = ("cancel", "reason", "run")
        return sorted(super().focus_chain, key=lambda one: order.index(one.id) if one.id in order else len(order))

    def on_mount(self) -> None:
        """Show the plan and ask whether the connected user may run it."""
        self._started = any(self.deck.changes.of(plan.id) for plan in self.plans)
        super().on_mount()
        if not self._started:
            self.run_worker(self._ask_rights(), group="rights", exit_on_error=False)

    @property
    def host(self) -> str:
        """The host of the first plan: all of one review are of the same wish."""
        return self.plans[0].target.host

    def changes(self) -> tuple[Change, ...]:
        """What was started of these plans."""
        found = (self.deck.changes.of(plan.id) for plan in self.plans)
        return tuple(change for change in found if change is not None)

    def selection(self) -> Selection:
        """The service of the plan."""
        reasons = {"quit": "esc leaves the review, then q quits"}
        if not self._started:
            reasons |= {f"screen.{place}": "esc leaves the review first" for place in TABS}
        why = self._why_not()
        if why is not None:
            reasons["run"] = why
        services = tuple(plan.target for plan in self.plans)
        return Selection(
            self.PLACE,
            self.host,
            services,
            plan=self.plans[0] if self._started else None,
            off=reasons,
            labels={"back": self._cancel_word().lower(), "evidence": "commands"},
        )

    def _why_not(self) -> str | None:
        if self._started:
            return "it runs" if any(change.running for change in self.changes()) else "it was run: this is its result"
        for plan in self.plans:
            refs = (plan.target, *plan.touches)
            busy = next((why for ref in refs if (why := off.busy(ref, self.deck))), None)
            why = off.host_off(plan.target.host, self.deck) or busy
            if why is not None:
                return why
        return self._denied

    async def _ask_rights(self) -> None:
        for plan in self.plans:
            try:
                rights = await self.deck.fleet.rights(plan.target.host, plan)
            except Exception as error:
                self._doubts.append(f"not known: {error}")
                continue
            if not rights.allowed:
                self._denied = rights.reason or "this user may not run it"
                self.deck.deny(plan, self._denied)
            self._doubts += [f"sudoers needs: {line}" for line in rights.missing]
        self.refresh_all()

    def sync(self, changed: frozenset[str] | None = None) -> None:
        """Show the plan, or how far it is."""
        del changed
        self.query_one("#title", Static).update(self.title_words())
        self.set_class(self._started, "-started")
        if self._started:
            self._show_progress()
        else:
            self.query_one("#plan", Detail).show(self.entries())
        run = self.query_one("#run", Button)
        run.disabled = self._why_not() is not None
        run.label = f"Cannot run: {self._blocked_by()}" if run.disabled and not self._started else "Run (ctrl+r)"
        self.query_one("#cancel", Button).label = self._cancel_word()

    def _cancel_word(self) -> str:
        if not self._started:
            return "Cancel"
        return "Leave" if any(change.running for change in self.changes()) else "Close"

    def title_words(self) -> str:
        """What the plan does, and on what kind of host."""
        title = (
            present.title(self.plans[0]) if len(self.plans) == 1 else f"{len(self.plans)} plans, one after the other"
        )
        production = any(self.deck.production(plan.target.host) for plan in self.plans)
        return f"PRODUCTION HOST   {title}" if production else title

    def entries(self) -> list[Entry | Heading]:
        """The plans as they would be run; what keeps them from being run comes first, it must not be scrolled for."""
        lines = self._rights()
        for plan in self.plans:
            identity = self.deck.store.snapshot(plan.target.host).identity
            if len(self.plans) > 1:
                lines.append(Heading(present.title(plan)))
            lines += present.review(plan, root=identity is not None and identity.uid == 0)
        return lines

    def _blocked_by(self) -> str:
        """Why it cannot run, in two words: the whole reason stands above the commands."""
        return "no right" if self._denied else "see above"

    def _rights(self) -> list[Entry | Heading]:
        why = self._why_not()
        off_now = [why.partition("; sudoers needs:")[0]] if why is not None else []
        key = self._blocked_by() if self._denied else "cannot run" if why is not None else "rights"
        tone = "critical" if why is not None else "warning"
        told = dict.fromkeys((*off_now, *self._doubts))
        return [Entry("" if place else key, line, tone) for place, line in enumerate(told)]

    def _show_progress(self) -> None:
        changes = self.changes()
        current = next((change for change in changes if change.running), changes[-1])
        self.query_one("#steps", PlanSteps).show(current.progress)
        lines: list[Entry | Heading] = []
        for plan in self.plans:
            change = self.deck.changes.of(plan.id)
            name = f"{plan.kind}  {plan.target.name}" if len(self.plans) > 1 else "RESULT"
            lines.append(Entry(name, present.outcome(change.progress) if change else "not begun"))
        lines += [Entry("" if place else "PROOF", line) for place, line in enumerate(current.progress.proof)]
        lines += present.failure(current.progress)
        self.query_one("#result", Detail).show(lines)

    @on(ChangeMoved)
    def _change_moved(self, message: ChangeMoved) -> None:
        message.prevent_default()  # this screen shows the change itself, it need not be said
        self.refresh_all()
        if message.ended:
            self.query_one("#cancel", Button).focus()

    @on(Input.Submitted)
    def _reason_given(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#cancel", Button).focus()

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "run":
            await self.action_press("run")
        else:
            self.app.pop_screen()

    def press_evidence(self) -> None:
        """Every command word by word, scripts and undo too."""
        from console.ui.screens.page import PageScreen

        lines: list[str] = []
        for plan in self.plans:
            identity = self.deck.store.snapshot(plan.target.host).identity
            lines += present.all_commands(plan, root=identity is not None and identity.uid == 0)
        self.app.push_screen(PageScreen(f"Commands of: {self.title_words()}", lines))

    def press_run(self) -> None:
        """Run what was shown, word by word."""
        reason = self.query_one("#reason", Input).value.strip() or None
        self.plans = tuple(replace(plan, reason=reason or plan.reason) for plan in self.plans)
        self._started = self.deck_app.run_plans(self.plans)
        if not self._started:
            self.say("another change of this service runs")
        self.refresh_all()
        self.query_one("#cancel", Button).focus()

    def copied(self) -> str:
        """The commands, or the result."""
        from console.ui.present.copying import lines_of

        changes = self.changes()
        parts = [lines_of(present.detail(change, self.deck.clock)) for change in changes]
        return "\n\n".join(parts) if parts else f"{self.title_words()}\n{lines_of(self.entries())}"

    @property
    def results(self) -> tuple[Result | None, ...]:
        """The result of each plan, ``None`` while it runs or was not begun."""
        found = (self.deck.changes.of(plan.id) for plan in self.plans)
        return tuple(change.progress.result if change else None for change in found)
