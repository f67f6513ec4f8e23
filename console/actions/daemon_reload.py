"""Make the manager read all definitions again; no service is touched."""

from console.actions import notes
from console.actions.context import Context, Parts
from console.core.plan import Step
from console.managers.acting import Applying, Rereadable


def refusal(context: Context) -> str | None:
    """Why it cannot be done."""
    if not isinstance(context.manager, Rereadable):
        return f"{context.service.ref}: {context.manager.id} has no definitions to read again"
    return None


def parts(context: Context) -> Parts:
    """One step; of most managers services go on with what they have until they are restarted."""
    assert isinstance(context.manager, Rereadable)
    command = context.lasting(context.manager.daemon_reload(context.service))
    loaded: tuple[str, ...] = ("every changed definition is loaded; what runs goes on until it is restarted",)
    if isinstance(context.manager, Applying):
        loaded = context.manager.applies(context.service)
    return Parts(
        steps=(Step(f"make {context.manager.id} read all definitions again", command),),
        also_hit=loaded,
        irreversible="what was read stays read",
        warnings=notes.link(context),
    )
