"""The work tree of this machine from which a release is built, asked the same questions as one of a host."""

from console.core import work_tree
from console.core.command import Command, Output
from console.core.difference import Difference, Pair
from console.core.probe import ParseError
from console.core.release import Source
from console.core.service import ServiceRef
from console.probes.release_difference import COMING
from console.remote.local import LocalTransport
from console.remote.shell import Ask
from console.remote.transport import HostSpec

_SCRIPT = "hd_source=$1\n" + work_tree.SCRIPT


async def look(place: str) -> Source:
    """What git says of it; where it says nothing the answer has the reason."""
    output = await _ask(_SCRIPT, place)
    found: dict[str, list[str]] = {}
    for line in output.stdout.split("\n"):
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value)
    return work_tree.read(found) or Source(why=_why(output) or f"git says nothing of {place}")


async def compare(ask: Ask) -> Difference:
    """What a build of it would bring; the pair is filled in by who asks. ``ask`` is that of a work tree on a host."""
    output = await _ask(COMING.script, *ask.args)
    try:
        return COMING.parse(output.stdout.rstrip("\n"))
    except ParseError as error:
        return Difference(Pair(ServiceRef("", "", ""), "", ""), failure=_why(output) or str(error))


async def _ask(script: str, *words: str) -> Output:
    here = LocalTransport(HostSpec("this machine", None))
    await here.connect()
    try:
        return await here.run(
            Command(("sh", "-c", script, "sh", *words), timeout=30.0, purpose="look at the work tree")
        )
    finally:
        await here.close()


def _why(output: Output) -> str:
    return "git gave no answer in 30 s" if output.exit == -1 else output.stderr.strip().split("\n")[-1]
