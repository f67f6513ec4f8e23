"""The terminal's side of a session: its glyphs, its signals, and leaving nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
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
END_SECONDS = 6.0
"""How long the end may take altogether once a signal has asked for it."""


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
    last: list[threading.Timer] = []
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, _end, app, 128 + number, last)
    try:
        code = await app.run_async()
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(fleet.stop(), STOP_SECONDS)
        for timer in last:
            timer.cancel()
    return app.return_code or code or 0


def _end(app: DeckApp, code: int, last: list[threading.Timer]) -> None:
    """End the app in order, or, where that does not come about, at once.

    Textual 8.2 waits without limit for its thread that writes to the terminal; where the terminal is gone that one has
    died, and what is left to be written may fill its queue.
    """
    app.exit(code)
    timer = threading.Timer(END_SECONDS, os._exit, (code,))
    timer.daemon = True
    timer.start()
    last.append(timer)
