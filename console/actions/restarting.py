"""What a restart of a service is refused for and warned of, whichever kind of action it is a step of."""

from console.actions import notes
from console.actions.context import Context

_BREAKS = {
    "dbus.service": "every service that is connected to it would lose it",
    "dbus-broker.service": "every service that is connected to it would lose it",
}


def refusal(context: Context) -> str | None:
    """Why it is not restarted."""
    if context.service.is_masked:
        return f"{context.name} is masked: unmask it first"
    if context.service.ref.scope == "system" and context.name in _BREAKS:
        return f"{context.name} is not restarted from here: {_BREAKS[context.name]}"
    return None


def warnings(context: Context) -> tuple[str, ...]:
    """What may go with it, and what may keep it from coming up again."""
    return (
        *notes.way_in(context),
        *notes.network(context),
        *notes.by_hand(context),
        *notes.containers(context),
        *notes.before_start(context),
    )
