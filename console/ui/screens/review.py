"""A plan before it is run, while it runs, and after: the same screen from the first look to the proof."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from console.core.keys import TABS, Place
from console.core.plan import Plan, Result
from console.ui import keymap, off
from console.ui.messages import ChangeMoved
from console.ui.present import plans as present
from console.ui.screens.deck_screen import DeckScreen
from console.ui.selection import Selection
from console.ui.sight import TOO_EARLY, Sight
from console.ui.widgets.detail import Detail, Entry, Heading
from console.ui.widgets.plan_steps import PlanSteps

if TYPE_CHECKING:
    from textual._path import CSSPathType
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from console.core.plan import Intent
    from console.ui.changes import Change
    from console.ui.fleet_port import RightsPort
    from console.ui.widgets.bars import KeyHint

ASKED = "rights are still asked for"


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
        self._second_yes: list[str] = []
        self._untold: str | None = ASKED
        """Why the rights of a plan are not told yet: until they are nothing is run."""
        self._started = False
        self.sight = Sight(self._drawn)

    def _drawn(self) -> bool:
        return self.is_mounted and self.query_one("#plan", Detail).drawn

    def body(self) -> ComposeResult:
        """Title, plan, steps, result, reason, answers."""
        yield Static(id="title", markup=False)
        yield Detail(id="plan")
        with Vertical(id="progress"):
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
            self._ask_rights()
            self._ask_difference()

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
        if self.offer() is None:
            reasons["kill"] = "SIGKILL is offered only where SIGTERM did not end a process that no manager owns"
        services = tuple(plan.target for plan in self.plans)
        return Selection(
            self.PLACE,
            self.host,
            services,
            plan=self.plans[0] if self._started else None,
            off=reasons,
            labels={"back": self._cancel_word().lower(), "evidence": "commands"} | self._run_label(),
        )

    def offer(self) -> Intent | None:
        """What may be tried next, where a plan failed for that."""
        return next((offer for change in self.changes() if (offer := change.progress.offer) is not None), None)

    def _why_not(self) -> str | None:
        if self._started:
            return "it runs" if any(change.running for change in self.changes()) else "it was run: this is its result"
        for plan in self.plans:
            busy = next((why for ref in plan.services if (why := off.busy(ref, self.deck))), None)
            why = off.host_off(plan.target.host, self.deck) or busy
            if why is not None:
                return why
        return self._denied or (ASKED if self._untold == ASKED else None)

    @property
    def _asks_again(self) -> bool:
        """Whether Run asks for the rights once more, because the host did not tell them."""
        return not self._started and self._denied is None and self._untold not in (None, ASKED)

    def _run_label(self) -> dict[str, str]:
        return {"run": "ask again"} if self._asks_again else {}

    @work(group="rights", exit_on_error=False)
    async def _ask_rights(self) -> None:
        untold = None
        for plan in self.plans:
            try:
                rights = await self.deck.fleet.rights(plan.target.host, plan)
            except Exception as error:
                untold = f"not known, so nothing is run: {str(error) or type(error).__name__}"
                self._doubts.append(untold)
            else:
                self._take(plan, rights)
        self._untold = untold
        self.refresh_all()

    def _take(self, plan: Plan, rights: RightsPort) -> None:
        if not rights.allowed:
            self._denied = rights.reason or "this user may not run it"
            self.deck.deny(plan, self._denied)
            self._doubts += [f"sudoers needs: {line}" for line in rights.missing]
            return
        self._doubts += rights.undo_doubts
        self._second_yes += [why] if (why := rights.may_stay_down(plan)) is not None else []

    def _ask_again(self) -> None:
        self._untold = ASKED
        self._doubts.clear()
        self._second_yes.clear()
        self._ask_rights()
        self.refresh_all()

    @work(group="difference", exit_on_error=False)
    async def _ask_difference(self) -> None:
        """Ask what other releases would change; a plan can be run without it."""
        for place, plan in enumerate(self.plans):
            if plan.difference is None or not plan.difference.pending:
                continue
            try:
                found = await self.deck.fleet.difference(plan.difference.pair)
            except Exception as error:
                found = replace(plan.difference, pending=False, failure=str(error))
            if self._started:
                return
            told = replace(self.plans[place], difference=found)
            self.plans = (*self.plans[:place], told, *self.plans[place + 1 :])
            self.refresh_all()

    def hints_of_focus(self, hints: tuple[KeyHint, ...]) -> tuple[KeyHint, ...]:
        """While the reason is typed letters are its."""
        typing = isinstance(self.focused, Input)
        return tuple(hint for hint in hints if len(hint.key) > 1) if typing else hints

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
        _label(run, self._run_word(off=run.disabled and not self._started))
        _label(self.query_one("#cancel", Button), self._cancel_word())

    def _run_word(self, *, off: bool) -> str:
        if off:
            return f"Cannot run: {self._blocked_by()}"
        return "Ask again (ctrl+r)" if self._asks_again else "Run (ctrl+r)"

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
        if production:
            return f"PRODUCTION HOST   {title}"
        contexts = (self.deck.production_context(plan.target) for plan in self.plans)
        context = next((one for one in contexts if one is not None), None)
        return title if context is None else f"PRODUCTION CONTEXT {context}   {title}"

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
        why = self._why_not()
        return "no right" if self._denied else why if why == ASKED else "see above"

    def _rights(self) -> list[Entry | Heading]:
        why = self._why_not()
        if why == ASKED:
            return [Entry("rights", "still asked for")]
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
        if (offer := self.offer()) is not None:
            lines.append(Entry("MEND", present.offered(offer), "accent"))
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

    async def action_press(self, ident: str) -> None:
        """Run nothing by a key that was typed before the plan was in sight."""
        if ident == "run" and not self._started and self.sight.missed(self.deck_app.typed_at):
            if not self.deck_app.leaving:
                # Until a key counts: that nothing was run must not be forgotten.
                self.call_after_refresh(self.say, TOO_EARLY, lasting=True)
            return
        self.hush()
        await super().action_press(ident)

    def press_evidence(self) -> None:
        """Every command word by word, scripts and undo too."""
        from console.ui.screens.page import PageScreen

        lines: list[str] = []
        for plan in self.plans:
            identity = self.deck.store.snapshot(plan.target.host).identity
            lines += present.all_commands(plan, root=identity is not None and identity.uid == 0)
        self.app.push_screen(PageScreen(f"Commands of: {self.title_words()}", lines))

    def press_kill(self) -> None:
        """Review the plan that is offered."""
        from console.ui.verbs import review

        offer = self.offer()
        if offer is not None:
            review(self, ((offer,),))

    def press_run(self) -> None:
        """Run what was shown, after a second yes where the plan wants one."""
        if self._untold is not None:
            self._ask_again()
            return
        words = (*(plan.confirm for plan in self.plans if plan.confirm is not None), *self._second_yes)
        if not words:
            self._run()
            return
        from console.ui.screens.confirm import ConfirmScreen

        def answered(yes: bool | None) -> None:
            if yes:
                self._run()

        self.app.push_screen(ConfirmScreen(f"{self.title_words()}?", words, yes="Do it all the same"), answered)

    def _run(self) -> None:
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


def _label(button: Button, words: str) -> None:
    """Another label, and as much room as it needs: a button keeps that of its first one."""
    if str(button.label) != words:
        button.label = words
        button.refresh(layout=True)
