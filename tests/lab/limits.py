"""Kernel limits of this machine that are too low for many hosts, raised while any lab exists.

All hosts share the machine's kernel and its limit on inotify instances for root: each host takes about
ten, and the usual limit is 128. Where it is reached, systemd hangs or dies at boot.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from .locks import locked

WANTED: dict[str, int] = {"fs/inotify/max_user_instances": 8192, "fs/inotify/max_user_watches": 524288}
_SYSCTL = Path("/proc/sys")


def raise_limits(run: Path) -> None:
    """Raise what is too low, and note the value it had in the labs' run directory."""
    with locked(run / "limits.lock"):
        for name, wanted in WANTED.items():
            setting, note = _SYSCTL / name, _note(run, name)
            now = int(setting.read_text(encoding="utf-8"))
            if now < wanted:
                if not note.exists():
                    note.write_text(str(now), encoding="utf-8")
                setting.write_text(str(wanted), encoding="utf-8")


def restore_limits(run: Path) -> None:
    """Put the old values back when the last lab has gone."""
    with locked(run / "limits.lock"):
        if any(entry.name.isdigit() for entry in run.iterdir()):
            return
        for name, wanted in WANTED.items():
            setting, note = _SYSCTL / name, _note(run, name)
            with contextlib.suppress(FileNotFoundError):
                before = note.read_text(encoding="utf-8")
                if int(setting.read_text(encoding="utf-8")) == wanted:  # nobody else has set it since
                    setting.write_text(before, encoding="utf-8")
                note.unlink()


def _note(run: Path, name: str) -> Path:
    return run / f"limit-{name.replace('/', '.')}"
