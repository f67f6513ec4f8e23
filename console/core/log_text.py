"""What a service wrote into a log line: level and fields of JSON, logfmt and plain lines."""

import json
import re

from console.core.service import ServiceRef
from console.core.snapshot import LogLine
from console.core.text import sanitise

_WORDS = {
    "fatal": "critical", "panic": "critical", "critical": "critical", "crit": "critical", "alert": "critical",
    "emerg": "critical", "error": "error", "err": "error", "warning": "warning", "warn": "warning",
    "notice": "info", "info": "info", "debug": "debug", "trace": "debug",
    # pino and bunyan of Node write numbers.
    "60": "critical", "50": "error", "40": "warning", "30": "info", "20": "debug", "10": "debug",
}  # fmt: skip
_LEVEL_KEYS = frozenset({"level", "lvl", "severity", "levelname", "loglevel", "log.level"})
_MESSAGE_KEYS = frozenset({"msg", "message"})

_logfmt = re.compile(r'(?:^|\s)(?:level|lvl|severity)="?([A-Za-z]{3,8})\b')
# The first word after a time stamp: "2026/11/20 14:02:11 [emerg] ...", "2026-11-20T14:02:11Z ERROR ...", "Error: ...".
_first_word = re.compile(r"[\W\d_]*(?:T[\W\d_]+Z?[\W\d_]*)?([A-Za-z]{3,8})\b")


def structured(message: str) -> tuple[str | None, dict[str, str]]:
    """Level and fields of a message that is itself a JSON object, as services in production log; else nothing.

    The text of the message is the field ``message``. JSON's own escapes are undone here, so everything is sanitised
    once more.
    """
    if not (message.startswith("{") and message.rstrip().endswith("}")):
        return None, {}
    try:
        fields = json.loads(message)
    except (ValueError, RecursionError):
        return None, {}
    level: str | None = None
    found: dict[str, str] = {}
    for key, value in fields.items():
        name = sanitise(key)
        text = sanitise(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        if name in _LEVEL_KEYS and text.lower() in _WORDS:
            level = _WORDS[text.lower()]
        elif name in _MESSAGE_KEYS and text:
            found["message"] = text
        else:
            found[name] = text
    return level, found


def level_word(message: str) -> str | None:
    """The level that a line of text names: ``level=error`` anywhere, or a level as its first word."""
    found = _logfmt.search(message) if "l=" in message or "y=" in message else None
    found = found or _first_word.match(message)
    return _WORDS.get(found[1].lower()) if found else None


def service_line(ref: ServiceRef, source: str, text: str, at: float | None = None) -> LogLine | None:
    """A line that a service wrote itself, which may be JSON, with the level that it names; ``None`` for a blank one."""
    if not text.strip():
        return None
    level, fields = structured(text)
    message = fields.pop("message", text)
    level = level or level_word(message) or "info"
    return LogLine(ref.host, ref.name, source, message, at, level, fields=tuple(sorted(fields.items())))
