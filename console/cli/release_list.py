"""The releases of a service as text and as JSON."""

from typing import TYPE_CHECKING, Any

from console.cli import encode
from console.cli.errors import CliError, Exit
from console.cli.terminal import Terminal, age
from console.core.moments import iso
from console.core.release import Release, ReleaseBook, way_back

if TYPE_CHECKING:
    from console.core.service import ServiceRef
    from console.core.snapshot import Snapshot


def list_releases(snapshot: "Snapshot", ref: "ServiceRef", *, as_json: bool) -> int:
    """Print them, the newest first."""
    book = snapshot.book(ref)
    if book is None or book.failure is not None:
        raise CliError(f"the releases of {ref} are not known: {book.failure if book else 'not asked'}", Exit.PROBLEM)
    back = way_back(book)
    if as_json:
        encode.emit("releases/1", _document(book, back))
        return Exit.OK
    terminal = Terminal()
    head = ("RELEASE", "VERSION", "COMMIT", "BUILT", "LIVE FOR", "BY", "WAS WELL", "NOTE")
    terminal.table([_row(release, book.now, back) for release in book.releases], head=head)
    if not book.releases:
        terminal.line("no releases")
    return Exit.OK


def _row(release: Release, now: float | None, back: Release | None) -> tuple[str, ...]:
    well = {True: "yes", False: "no", None: "not noted"}[release.healthy]
    mark = (
        "live" if release.live else "roll back goes here" if release == back else "" if release.present else "removed"
    )
    return (
        release.id,
        release.version or "-",
        (release.commit or "-")[:9],
        age(now - release.built) if now is not None and release.built is not None else "-",
        age(release.live_seconds) if release.live_seconds is not None else "not noted" if release.live else "never",
        release.by or "-",
        well,
        "; ".join(part for part in (mark, release.note) if part),
    )


def _document(book: ReleaseBook, back: Release | None) -> dict[str, Any]:
    return {
        "target": str(book.ref),
        "rollback_to": back.id if back is not None else None,
        "releases": [
            {
                "id": release.id,
                "version": release.version,
                "commit": release.commit,
                "built": iso(release.built),
                "live": release.live,
                "live_since": iso(release.live_since),
                "live_seconds": release.live_seconds,
                "by": release.by,
                "healthy": release.healthy,
                "present": release.present,
                "note": release.note,
            }
            for release in book.releases
        ],
    }
