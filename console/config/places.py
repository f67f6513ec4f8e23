"""Where the configuration and the themes are found."""

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import console
from console.config.mistakes import ConfigError, Mistake
from console.config.model import Config

VARIABLE = "HOSTDECK_CONFIG"


def default_path() -> Path:
    """The place for the configuration of this user, by the XDG rules."""
    from platformdirs import user_config_path

    return user_config_path("hostdeck", appauthor=False) / "config.toml"


def chosen_path(option: str | None, environ: Mapping[str, str] | None = None) -> tuple[Path, str | None]:
    """The configuration file to use, and what asked for it by name: ``--config``, the variable, or nothing."""
    environ = os.environ if environ is None else environ
    if option is not None:
        return Path(option).expanduser(), "--config"
    if named := environ.get(VARIABLE):
        return Path(named).expanduser(), VARIABLE
    return default_path(), None


class Known(NamedTuple):
    """Names that a configuration may use; where there are none they are not checked."""

    themes: Collection[str] = ()
    managers: Collection[str] = ()


def read(option: str | None, known: Callable[[], Known] = Known) -> Config:
    """The configuration; the defaults when nobody named a file and there is none. Raises ``ConfigError``.

    Nothing that reads TOML is imported without a file, and ``known`` is not asked.
    """
    path, asked_by = chosen_path(option)
    if not os.path.lexists(path):
        if asked_by is not None:
            missing = Mistake(f"there is no such file ({asked_by})", "a configuration file")
            raise ConfigError(str(path), [missing])
        return Config()
    from console.config.load import load

    names = known()
    return load(path, themes=names.themes, managers=names.managers)


def theme_names() -> tuple[str, ...]:
    """The names of the shipped themes: in the package, or in a checkout beside it."""
    package = Path(console.__file__).parent
    folder = package / "themes" if (package / "themes").is_dir() else package.parent / "themes"
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


def example() -> str:
    """A commented configuration that is valid."""
    return Path(__file__).with_name("example.toml").read_text(encoding="utf-8")
