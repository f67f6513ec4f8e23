"""Lines of ``kubectl logs --prefix --timestamps``: ``[pod/NAME/CONTAINER] TIME TEXT``."""

import re
from datetime import datetime

from console.core.log_text import service_line
from console.core.service import ServiceRef
from console.core.snapshot import LogLine

_line = re.compile(r"\[pod/(?P<pod>[^/\]]{1,253})/(?P<box>[^\]]{1,63})\] (?:(?P<at>\d{4}-\S{10,40}Z?) ?)?(?P<text>.*)")


def log_line(ref: ServiceRef, text: str) -> LogLine | None:
    """One line of a log; what kubectl itself says is a warning."""
    found = _line.match(text)
    if found is None:
        return LogLine(ref.host, ref.name, "kubectl", text, level="warning") if text.strip() else None
    return service_line(ref, f"{found['pod']}/{found['box']}", found["text"], _time(found["at"]))


def _time(word: str | None) -> float | None:
    """Unix seconds of a time with nanoseconds, of which Python reads six digits."""
    if word is None:
        return None
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", word)).timestamp()
    except (ValueError, OverflowError):
        return None
