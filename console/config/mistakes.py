"""Mistakes in a configuration as lines for a person."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from console.core.text import cut, mask, sanitise

from .locate import KeyPath


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to mend. ``line`` and ``column`` count from 1; 0 where there is none."""

    found: str
    expected: str
    key: str = ""
    line: int = 0
    column: int = 0
    meant: str | None = None

    def text(self, file: str) -> str:
        """``FILE:LINE: KEY: what was found; expected ...; did you mean ...?``."""
        place = file + (f":{self.line}" if self.line else "") + (f":{self.column}" if self.column else "")
        key = f"{self.key}: " if self.key else ""
        meant = f"; did you mean {self.meant}?" if self.meant else ""
        return sanitise(f"{place}: {key}{self.found}; expected {self.expected}{meant}").replace("\n", "\\n")


class ConfigError(Exception):
    """A configuration that cannot be used, with everything that is wrong in it, in the order of the file."""

    def __init__(self, file: str, mistakes: Iterable[Mistake]) -> None:
        self.file = file
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: (mistake.line, mistake.column)))
        super().__init__("\n".join(self.lines))

    @property
    def lines(self) -> tuple[str, ...]:
        """One line for each mistake."""
        return tuple(dict.fromkeys(mistake.text(self.file) for mistake in self.mistakes))


def shown(value: Any) -> str:
    """A value as it would stand in the file, without secrets, cut to a length that a line can bear."""
    match value:
        case dict():
            return "a table"
        case list() | tuple():
            return f"a list of {len(value)}" if value else "an empty list"
        case str():
            # Masked first: of a cut URL nothing says where its password ends.
            return cut(json.dumps(mask(value), ensure_ascii=False), 60)
        case bool() | int() | float():
            return cut(json.dumps(value, ensure_ascii=False), 60)
        case _:
            return f"a date or time ({value})"


def key_text(path: KeyPath, raw: Any) -> str:
    """A key path for a person: ``hosts[web1].port``, where an entry is called by its name or else by its number."""
    text = ""
    for part in path:
        if isinstance(part, int):
            raw = raw[part] if isinstance(raw, list) and part < len(raw) else None
            name = raw.get("name") if isinstance(raw, dict) else None
            text += f"[{cut(name, 40) if isinstance(name, str) and name else f'#{part + 1}'}]"
        else:
            raw = raw.get(part) if isinstance(raw, dict) else None
            text += ("." if text else "") + (part if part and not set(part) & set(' ."\n') else json.dumps(part))
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, in quotes."""
    import difflib

    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'"{match[0]}"' if match else None


def one_of(words: Iterable[str], limit: int = 12) -> str:
    """A list of words for a person."""
    words = sorted(words)
    more = f" and {len(words) - limit} more" if len(words) > limit else ""
    return "one of " + ", ".join(words[:limit]) + more if words else "none"
