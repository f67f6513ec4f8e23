"""Clear a failure or a start limit without starting anything."""

from console.actions import notes
from console.actions.context import Context, Parts
from console.core.plan import Step
from console.core.service import State
from console.managers.acting import Resettable


def refusal(context: Context) -> str | None:
    """Why there is nothing to clear."""
    if not isinstance(context.manager, Resettable):
        return f"{context.service.ref}: {context.manager.id} keeps no failures"
    # Also of one that is well the starts count that its manager has allowed.
    counts = context.service.start_limit is not None or notes.limit_hit(context)
    if context.service.state not in (State.FAILED, State.FLAPPING, State.UNKNOWN) and not counts:
        return f"{context.name} has not failed ({context.service.native_state})"
    return None


def parts(context: Context) -> Parts:
    """One step; that it succeeds is all there is to prove."""
    assert isinstance(context.manager, Resettable)
    command = context.lasting(context.manager.reset_failed(context.service))
    return Parts(
        steps=(Step(f"clear the failure of {context.name}", command),),
        irreversible="a cleared failure cannot be brought back; its log is kept",
        warnings=notes.link(context),
    )
