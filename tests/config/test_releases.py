"""How services get new releases, as it is declared."""

import pytest

from console.cli.declared import recipe
from console.config.load import parse
from console.config.mistakes import ConfigError
from console.config.model import Config
from console.core.release import Recipe
from console.core.service import Service, ServiceRef, State
from console.remote.transport import HostSpec

HEAD = '[[services]]\nname = "{name}"\nmanager = "{manager}"\n[services.release]\n'
DOCKER = HEAD.format(name="api", manager="docker")
UNIT = HEAD.format(name="api", manager="systemd")
COMPOSE = HEAD.format(name="shop/api", manager="compose")


def asked(config: Config, ref: ServiceRef) -> Recipe | None:
    """The recipe of a service that its host has."""
    return recipe(config, HostSpec(ref.host, ref.host), ref, (Service(ref, State.RUNNING, "running"),))


def test_what_an_engine_builds_needs_a_source_only() -> None:
    for text, name, manager in ((DOCKER, "api", "docker"), (COMPOSE, "shop/api", "compose")):
        config = parse(text + 'source = "/srv/api"\n', "f")
        assert asked(config, ServiceRef("web1", manager, name)) == Recipe(source="/srv/api")
    config = parse(DOCKER + 'image = "registry.example:5000/shop/api"\n', "f")
    assert asked(config, ServiceRef("web1", "docker", "api")) == Recipe(image="registry.example:5000/shop/api")


@pytest.mark.parametrize(
    ("told", "means"),
    [
        ("src/api", "/etc/hostdeck/src/api"),
        ("../src/", "/etc/src"),
        ("/srv/src", "/srv/src"),
        ("~/src/api", "/home/ann/src/api"),
        ("~nobody-of-that-name/src", "/etc/hostdeck/~nobody-of-that-name/src"),
    ],
)
def test_a_work_tree_of_this_machine_begins_at_the_file(told: str, means: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    text = UNIT + f'local_source = "{told}"\ndirectory = "/srv/api"\ncommand = ["make"]\n'
    config = parse(text, "/etc/hostdeck/config.toml")
    found = asked(config, ServiceRef("web1", "systemd", "api.service"))
    assert found == Recipe("/srv/api", command=("make",), local_source=means)
    assert config.services[0].where == "/etc/hostdeck/config.toml:1"


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        (DOCKER + 'source = "/srv/api"\ncommand = ["make"]\n', "release.command: the engine builds it"),
        (COMPOSE + 'image = "shop/api"\n', "release.image: its releases are no images"),
        (DOCKER + 'image = "api"\ndirectory = "/srv/api"\n', "release.image: its releases are no images"),
        (DOCKER + 'image = "api:1.4"\n', 'release.image: found "api:1.4"; expected a repository of images'),
        (HEAD.format(name="api", manager="systemd") + 'source = "/srv/api"\n', "release.source: there is no command"),
        (HEAD.format(name="shop//api", manager="compose"), "name: found"),
        (UNIT + 'local_source = "src"\ncommand = ["make"]\n', "release.local_source: there is no directory"),
        (UNIT + 'local_source = "src"\ndirectory = "/srv/api"\n', "release.local_source: there is no command"),
        (UNIT + 'local_source = "a\\u0007b"\n', "release.local_source: found"),
        (
            UNIT + 'local_source = "src"\nsource = "/srv/api/src"\ndirectory = "/srv/api"\ncommand = ["make"]\n',
            "release.local_source: there is a source too",
        ),
        (UNIT + 'directory = "/srv/api"\ncommand = ["make"]\n', "release.command: there is no source"),
    ],
)
def test_what_does_not_fit_is_told(text: str, starts: str) -> None:
    with pytest.raises(ConfigError) as told:
        parse(text, "f")
    assert starts in str(told.value)
