"""Spans of time for a person, where tenths of a second tell nothing."""


def whole(seconds: float) -> str:
    """``40 s``, ``3 min 20 s``."""
    count = round(max(0.0, seconds))
    return f"{count} s" if count < 120 else f"{count // 60} min {count % 60} s"


def against(elapsed: float, usual: float | None) -> str:
    """How long something has been running, and how long it took the last time: ``12 s of about 40 s``."""
    return f"{whole(elapsed)} of about {whole(usual)}" if usual is not None else whole(elapsed)
