"""Themes: TOML files that become Textual themes, and the console's own colours for themes that do not name them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import Theme

PREFIX = "hostdeck-"
DEFAULT = f"{PREFIX}dark"

_COLORS = (
    *("primary", "secondary", "accent", "foreground", "background", "surface", "panel", "boost"),
    *("success", "warning", "error"),
)
_STYLE_WORDS = frozenset(
    ("none", "bold", "dim", "italic", "underline", "underline2", "reverse", "strike", "blink", "overline", "not")
)
_FIXED_STYLES = {
    "deck-muted-style": "none",
    "deck-cursor-style": "bold",
    "deck-cursor-blurred-style": "none",
    "deck-match-style": "bold",
    "deck-bar-style": "none",
    "deck-production-style": "bold",
}
"""Text styles are variables of their own: where there is no colour they are all there is."""
RED = "#b3202c"


class ThemeError(ValueError):
    """A theme that cannot be used: which file, which key, what was expected."""

    def __init__(self, where: str, key: str, expected: str) -> None:
        super().__init__(f"{where}: {key}: {expected}" if key else f"{where}: {expected}")
        self.where = where
        self.key = key
        self.expected = expected


def folder() -> Path:
    """Where the shipped themes are: inside the package in a wheel, beside it in a source tree."""
    package = Path(__file__).parent.parent
    inside = package / "themes"
    return inside if inside.is_dir() else package.parent / "themes"


def names() -> tuple[str, ...]:
    """The names of the shipped themes, without reading them."""
    return tuple(sorted(f"{PREFIX}{path.stem}" for path in folder().glob("*.toml")))


def find(name: str, extra: Iterable[Path] = ()) -> Theme:
    """Read the theme of this name: one in the ``extra`` folders, one that is shipped, or one of Textual's own."""
    for place in (*extra, folder()):
        path = place / f"{name.removeprefix(PREFIX)}.toml"
        if path.is_file():
            return load(path, trusted=place == folder())
    from textual.theme import BUILTIN_THEMES

    if name in BUILTIN_THEMES:
        return BUILTIN_THEMES[name]
    raise ThemeError("theme", name, f"no such theme; expected one of {', '.join((*names(), *BUILTIN_THEMES))}")


def themes(extra: Iterable[Path] = ()) -> tuple[Theme, ...]:
    """Read all themes of the ``extra`` folders and all that are shipped; the first of a name wins."""
    found: dict[str, Theme] = {}
    for place in (*extra, folder()):
        for path in sorted(place.glob("*.toml")):
            theme = load(path)
            found.setdefault(theme.name, theme)
    return tuple(found.values())


def load(path: Path, *, trusted: bool = False) -> Theme:
    """Read one theme; raises ``ThemeError`` for whatever would end the program once it is in use.

    A ``trusted`` one is shipped and tested: its variables are not looked at again, which the start would have to pay.
    """
    import tomllib

    where = str(path)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ThemeError(where, "", f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ThemeError(where, "", f"expected TOML: {error}") from error
    _known(where, "", table, ("name", "dark", "ansi", "colors", "variables"))
    name = _typed(where, table, "name", str, 'a name, as in name = "dusk"')
    colors = {key: _color(where, f"colors.{key}", value) for key, value in _strings(where, table, "colors").items()}
    _known(where, "colors.", colors, _COLORS)
    if "primary" not in colors:
        raise ThemeError(where, "colors.primary", "expected a color; it is the only one that is required")
    parts: dict[str, Any] = {
        "name": name,
        "dark": _typed(where, table, "dark", bool, "true or false", default=True),
        "ansi": _typed(where, table, "ansi", bool, "true or false", default=False),
        "variables": _strings(where, table, "variables"),
    }
    theme = Theme(**{**parts, **colors})
    if not trusted:
        _check(where, theme)
    return theme


def _typed(where: str, table: Mapping[str, Any], key: str, kind: type, expected: str, default: Any = None) -> Any:
    value = table.get(key, default)
    if not isinstance(value, kind) or value == "":
        raise ThemeError(where, key, f"expected {expected}")
    return value


def _strings(where: str, table: Mapping[str, Any], key: str) -> dict[str, str]:
    values = table.get(key, {})
    if not isinstance(values, dict):
        raise ThemeError(where, key, f"expected a table [{key}]")
    for name, value in values.items():
        if not isinstance(value, str):
            raise ThemeError(where, f"{key}.{name}", f"expected a string, got {value!r}")
    return values


def _known(where: str, prefix: str, table: Iterable[str], known: Iterable[str]) -> None:
    names_known = tuple(known)
    for key in table:
        if key not in names_known:
            from difflib import get_close_matches

            near = get_close_matches(key, names_known, 1)
            hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(names_known)}"
            raise ThemeError(where, f"{prefix}{key}", f"unknown; {hint}")


def _color(where: str, key: str, value: str) -> str:
    try:
        Color.parse(value)
    except ColorParseError:
        expected = 'a color: "#5aa9e6", "rgb(90,169,230)", a CSS name, or ansi_red and the like'
        raise ThemeError(where, key, f"expected {expected}; got {value!r}") from None
    return value


def _check(where: str, theme: Theme) -> None:
    """Generate what Textual would generate, and look at each variable, before the theme is ever used."""
    plain = Theme(**{**vars(theme), "variables": {}})
    known = {*plain.to_color_system().generate(), *variable_defaults(plain)}
    _known(where, "variables.", theme.variables, sorted(known))
    for key, value in theme.variables.items():
        if key.endswith("-style"):
            if not value or not set(value.split()) <= _STYLE_WORDS:
                raise ThemeError(
                    where, f"variables.{key}", f"expected a text style such as bold or none; got {value!r}"
                )
        elif not value.startswith(("$", "auto")) and value not in ("initial", "transparent"):
            base, _, share = value.rpartition(" ")
            _color(where, f"variables.{key}", base if base and share.endswith("%") else value)
    try:
        theme.to_color_system().generate()
    except Exception as error:  # Textual names no type for this, and a theme must never end the program.
        raise ThemeError(where, "", f"cannot be used as a theme: {error}") from error


def variable_defaults(theme: Theme) -> dict[str, str]:
    """The console's own variables, made from a theme's colours: for themes that do not set them."""
    dark = theme.dark
    background = theme.background or ("ansi_default" if theme.ansi else "#121212" if dark else "#efefef")
    foreground = theme.foreground or ("ansi_default" if theme.ansi else "#e0e0e0" if dark else "#1b1b1b")
    accent = theme.accent or theme.primary
    warning = theme.warning or theme.primary
    error = theme.error or theme.secondary or theme.primary
    success = theme.success or theme.secondary or theme.primary

    def mix(color: str, share: float) -> str:
        ground, over = Color.parse(background), Color.parse(color)
        if ground.ansi is not None or over.ansi is not None:
            return color
        return ground.blend(over, share, alpha=1.0).hex

    # Textual's own widgets need these two, and it makes them for no 16-colour theme but its own.
    native = {"ansi-background": "ansi_default", "ansi-foreground": "ansi_default"} if theme.ansi else {}
    return (
        _FIXED_STYLES
        | native
        | {
            "deck-muted": mix(foreground, 0.62),
            "deck-critical": error,
            "deck-warning": warning,
            "deck-ok": success,
            "deck-accent": accent,
            "deck-user": accent,
            "deck-system": success,
            "deck-iowait": warning,
            "deck-steal": error,
            "deck-cursor": mix(theme.primary, 0.30),
            "deck-cursor-blurred": mix(foreground, 0.12),
            "deck-match": warning,
            "deck-match-text": background,
            "deck-bar": theme.panel or mix(foreground, 0.10),
            "deck-bar-text": foreground,
            "deck-bar-alert": warning,
            "deck-rule": mix(foreground, 0.25),
            "deck-production": RED,
            "deck-production-text": "#ffffff",
        }
    )


def production(theme: Theme, color: str | None = None) -> Theme:
    """The same theme with a frame that cannot be overlooked: red, or the colour of the host's configuration."""
    frame = color or ("ansi_red" if theme.ansi else RED)
    ground = Color.parse(frame)
    text = "ansi_bright_white" if ground.ansi is not None else ground.get_contrast_text(1.0).hex
    own = {
        "deck-bar": frame,
        "deck-bar-text": text,
        "deck-bar-alert": text,
        "deck-bar-style": "bold",
        "deck-rule": frame,
        "deck-production": text,
        "deck-production-text": frame,
    }
    return Theme(**{**vars(theme), "name": f"{theme.name}-production", "variables": theme.variables | own})


def colorless() -> Theme:
    """The terminal's own two colours and nothing else: what matters is bold, reverse, a glyph or a word."""
    base = find(f"{PREFIX}ansi")
    own = {"deck-production-style": "bold reverse", "deck-cursor-style": "bold reverse"}
    return Theme(**{**vars(base), "name": f"{PREFIX}no-color", "variables": base.variables | own})


def for_environment(name: str, environ: Mapping[str, str]) -> str:
    """The theme to use: the 16-colour one where the terminal has no more or the user wants no colour."""
    wants_none = bool(environ.get("NO_COLOR"))
    poor = environ.get("TERM", "") in ("linux", "vt100", "vt220", "ansi", "dumb", "screen", "xterm-16color")
    return f"{PREFIX}ansi" if wants_none or (poor and "COLORTERM" not in environ) else name
