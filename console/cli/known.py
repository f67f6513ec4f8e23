"""The names that a configuration may use: themes, without loading what draws with them, and service managers."""

from collections.abc import Collection, Iterator

from console.config.places import Known, theme_names

PREFIX = "hostdeck-"
"""A shipped theme may be named with it or without."""


class ThemeNames(Collection[str]):
    """The shipped themes. Textual's own are known too, but are only looked up for a name that is not shipped."""

    def __init__(self) -> None:
        self._shipped = theme_names()

    def __contains__(self, name: object) -> bool:
        if isinstance(name, str) and name.removeprefix(PREFIX) in self._shipped:
            return True
        from textual.theme import BUILTIN_THEMES

        return name in BUILTIN_THEMES

    def __iter__(self) -> Iterator[str]:
        return iter(self._shipped)

    def __len__(self) -> int:
        return len(self._shipped)


def known() -> Known:
    """The names that a configuration may use."""
    from console.managers import MANAGERS

    return Known(ThemeNames(), tuple(manager.id for manager in MANAGERS))
