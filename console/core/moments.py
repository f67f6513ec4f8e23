"""Moments that hosts and logs tell: only those that any clock can show."""

from datetime import UTC, datetime

FIRST, LAST = -62_135_510_400.0, 253_402_214_400.0
"""Unix seconds within the years 1 to 9999 by a day, so that no zone leads out of them."""


def plausible(at: float | None) -> float | None:
    """The moment in Unix seconds, or ``None`` for one that cannot be shown: Go writes an unset time as year 1."""
    return at if at is not None and FIRST < at < LAST else None


def iso(at: float | None) -> str | None:
    """Unix time as ``2026-11-20T14:02:11Z``; ``None`` where it is not known or no time of this world."""
    known = plausible(at)
    return None if known is None else datetime.fromtimestamp(int(known), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
