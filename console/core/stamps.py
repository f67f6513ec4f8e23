"""The time that a line of a log begins with, in the forms that are common."""

import re
from calendar import timegm
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from console.core.moments import plausible

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = rf"(?P<name>{'|'.join(_MONTHS)})"
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?"
_ZONE = r"(?P<zone>Z\b|[+-]\d\d(?::?\d\d)?\b| ?(?:UTC|GMT)\b| [+-]\d\d:?\d\d\b)?"
_LEVEL = r"(?:[DIWEF]|debug|info|notice|warn|warning|error|err|crit|critical|fatal)"

_FORMS = tuple(
    re.compile(form, re.IGNORECASE | re.ASCII)
    for form in (
        # ISO 8601, Python's logging, Go's log and nginx' errors, pm2 --time; behind a level or a key of logfmt, too.
        rf"[\[(<\"']?(?:{_LEVEL}[\]:,]?\s+[\[(]?)?(?:level={_LEVEL}\s+)?(?:(?:time|ts|timestamp)=[\"']?)?"
        rf"(?P<year>\d{{4}})[-/](?P<month>\d\d)[-/](?P<day>\d\d)[T ]"
        rf"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{{1,9}}))?)?{_ZONE}",
        # syslog, without a year.
        rf"(?:<\d{{1,3}}>)?{_MONTH} {{1,2}}(?P<day>\d{{1,2}}) {_CLOCK}(?= )",
        # The access log of nginx and Apache.
        rf"\S{{1,255}} \S{{1,64}} \S{{1,64}} \[(?P<day>\d\d)/{_MONTH}/(?P<year>\d{{4}}):{_CLOCK}"
        rf"(?P<zone> [+-]\d{{4}})\]",
        # Apache's errors, and all that prints ctime(3).
        rf"\[?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) {_MONTH} {{1,2}}(?P<day>\d{{1,2}}) {_CLOCK} (?P<year>\d{{4}})\b",
        # Redis.
        rf"(?:\d+:[A-Z] )?(?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_CLOCK}\b",
    )
)
_KEYS = ("time", "ts", "timestamp", "@timestamp")
_LONGEST = 400
"""Characters of a line in which its time is looked for."""
_DAY = 86_400.0
WRITTEN_WITHIN = 120.0
"""Seconds between the last line with a time and the last write to its file, while both are told in one zone."""


class Stamp(NamedTuple):
    """A time as it is written: in seconds as if it were UTC, or truly so where the zone was written, too."""

    at: float
    zoned: bool

    def moment(self, offset: float | None) -> float | None:
        """Unix seconds; ``offset`` is that of a time without a zone, in seconds east of UTC, where it is known."""
        if self.zoned:
            return plausible(self.at)
        return None if offset is None else plausible(self.at - offset)


def stamp(text: str, now: float) -> Stamp | None:
    """What a line begins with. ``now`` tells the year where none is written: it is no time to come."""
    begin = text[:_LONGEST]
    for form in _FORMS:
        found = form.match(begin)
        if found is not None:
            return _read(found.groupdict(), now)
    return None


def stamp_of(fields: Mapping[str, str], now: float) -> Stamp | None:
    """The time among the fields of a structured line: ISO 8601, or a number of seconds or less since 1970."""
    text = next((fields[key] for key in _KEYS if key in fields), "")
    if not re.fullmatch(r"\d{10,19}(?:\.\d{1,9})?", text):
        return stamp(text, now)
    number = float(text)
    while number >= 1e11:
        number /= 1000
    return Stamp(number, zoned=True)


def offset_of(samples: Sequence[Stamp], written: float | None, local: float | None) -> float | None:
    """The zone of times without one, in seconds east of UTC.

    It is the host's (``local``), unless the last of them shows that its program writes UTC: ``written`` is when its
    file was written last.
    """
    bare = [sample.at for sample in samples if not sample.zoned]
    if not bare or written is None or not local:
        return local
    is_local = abs(bare[-1] - local - written) <= WRITTEN_WITHIN
    return 0.0 if not is_local and abs(bare[-1] - written) <= WRITTEN_WITHIN else local


def _read(found: Mapping[str, str | None], now: float) -> Stamp | None:
    month = found.get("month") or str(_MONTHS.index((found.get("name") or "").title()) + 1)
    year = found.get("year")
    at = _seconds(found, int(year) if year else datetime.fromtimestamp(now, UTC).year, int(month))
    if at is not None and year is None and at > now + _DAY:
        at = _seconds(found, datetime.fromtimestamp(now, UTC).year - 1, int(month))
    if at is None:
        return None
    zone = (found.get("zone") or "").strip().upper()
    return Stamp(at - _east(zone), zoned=bool(zone))


def _seconds(found: Mapping[str, str | None], year: int, month: int) -> float | None:
    day, hour, minute, second = (int(found.get(name) or 0) for name in ("day", "hour", "minute", "second"))
    try:
        # A leap second is the end of the one before.
        whole = timegm(datetime(year, month, day, hour, minute, min(second, 59)).timetuple())  # noqa: DTZ001
    except ValueError:
        return None
    return whole + float(f"0.{found.get('fraction') or 0}")


def _east(zone: str) -> float:
    if not zone.startswith(("+", "-")):
        return 0.0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return float(f"{zone[0]}1") * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)
