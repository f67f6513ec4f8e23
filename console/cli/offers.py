"""What may be tried next, as a line to type."""

from console.cli import again
from console.core.plan import Intent


def kill_words(offer: Intent) -> str:
    """The command by which the last resort is taken."""
    words = ["kill", str(offer.target)]
    words += ["--port", f"{offer.endpoint.port}/{offer.endpoint.protocol}"] if offer.endpoint else []
    words += ["--then", str(offer.then).partition("/")[2]] if offer.then else []
    return again.command(*words)
