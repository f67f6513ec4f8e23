"""The terminal's side of a session: its glyphs, its signals, and leaving nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

from console.ui import cells, themes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.theme import Theme

    from console.remote.transport import HostSpec
    from console.ui.app import DeckApp
    from console.ui.fleet_port import FleetPort

STOP_SECONDS = 3.0
"""How long the end waits for connections to close."""


def choose_glyphs(environ: Mapping[str, str]) -> None:
    """Only ASCII where the locale is not UTF-8: better a plain picture than a broken one."""
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    cells.set_ascii("UTF" not in locale.upper())


def themed(hosts: Sequence[HostSpec], theme: Theme) -> Theme:
    """The theme with the frame of production where every host is one."""
    if hosts and all(spec.production for spec in hosts):
        colors = {spec.color for spec in hosts}
        return themes.production(theme, colors.pop() if len(colors) == 1 else None)
    return theme


async def session(app: DeckApp, fleet: FleetPort) -> int:
    """Run the app; whatever ends it, the terminal is restored and the connections are closed."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, app.exit, 128 + number)
    try:
        code = await app.run_async()
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(fleet.stop(), STOP_SECONDS)
    return app.return_code or code or 0
