"""Which services the projects of Compose declare: asked when a project appears or one of its files changes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from console.managers.compose import DECLARED, FILES, Source
from console.remote.shell import Ask
from console.remote.survey_loop import AskHost

FILES_EVERY = 60.0
"""Seconds between two looks at the files."""


@dataclass(slots=True)
class _Known:
    stamp: tuple[tuple[str, str], ...]
    names: tuple[str, ...] = ()
    trouble: str | None = None


@dataclass(slots=True)
class Declared:
    """What is declared, by the key of each source."""

    ask: AskHost
    _known: dict[tuple[str, ...], _Known] = field(default_factory=dict)
    _looked: float | None = None

    @property
    def names(self) -> Mapping[tuple[str, ...], tuple[str, ...]]:
        """The services of each source."""
        return {key: known.names for key, known in self._known.items()}

    @property
    def trouble(self) -> str | None:
        """What could not be read; one line."""
        return next((known.trouble for known in self._known.values() if known.trouble is not None), None)

    async def look(self, sources: tuple[Source, ...]) -> bool:
        """Look where it is due; true when something changed."""
        now = asyncio.get_running_loop().time()
        keys = {source.key for source in sources}
        gone = self._known.keys() - keys
        for key in gone:
            del self._known[key]
        due = self._looked is None or now - self._looked >= FILES_EVERY or bool(keys - self._known.keys())
        if not sources or not due:
            return bool(gone)
        self._looked = now
        paths = tuple(dict.fromkeys(path for source in sources for path in source.files))
        answer = await self.ask(Ask(FILES, paths))
        if answer.failure is not None:
            return bool(gone)
        changed = [await self._read(source, answer.value) for source in sources]
        return bool(gone) or any(changed)

    async def _read(self, source: Source, files: Mapping[str, tuple[str, str]]) -> bool:
        stamp = tuple(files.get(path, ("none", "0")) for path in source.files)
        known = self._known.get(source.key)
        if known is not None and known.stamp == stamp:
            return False
        new = self._known[source.key] = _Known(stamp)
        kinds = {kind for kind, _ in stamp}
        if "special" in kinds:
            new.trouble = (
                f"{source.files[stamp.index(('special', '0'))]} is no regular file: "
                f"services of {source.project} without a container not shown"
            )
        elif "hidden" in kinds:
            new.trouble = (
                f"{source.files[0]} may not be read: services of {source.project} without a container not shown"
            )
        elif kinds == {"file"} and source.words:
            answer = await self.ask(Ask(DECLARED, source.asked))
            if answer.failure is None:
                new.names = answer.value
            else:
                new.trouble = f"what {source.project} declares is not known: {answer.failure}"
        return True
