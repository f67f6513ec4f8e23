"""Which hosts are meant."""

import pytest

from console.cli.errors import CliError
from console.cli.hosts import spec, specs
from console.cli.targets import parsed
from console.config.load import parse
from console.config.model import Config
from console.remote.transport import HostSpec

CONFIG = parse(
    """
[ssh]
config = "/etc/own"
connect_timeout = 3
[groups.prod]
production = true
read_only = true
color = "red"
[groups.none]
[[hosts]]
name = "web1"
groups = ["prod"]
[[hosts]]
name = "web2"
destination = "deploy@web2.example:2222"
groups = ["prod"]
[[hosts]]
name = "box"
local = true
""",
    "f",
)


def test_without_words_and_configuration_it_is_this_machine() -> None:
    assert specs(Config()) == (HostSpec("localhost", None),)


def test_without_words_it_is_the_configured_fleet() -> None:
    assert [found.name for found in specs(CONFIG)] == ["web1", "web2", "box"]
    web1 = specs(CONFIG)[0]
    assert web1 == HostSpec(
        "web1", "web1", ssh_config="/etc/own", connect_timeout=3, groups=("prod",), production=True, read_only=True,
        color="red",
    )  # fmt: skip


def test_a_group_is_its_hosts_and_each_host_is_there_once() -> None:
    assert [found.name for found in specs(CONFIG, ("web2", "prod"))] == ["web2", "web1"]


def test_any_ssh_destination_is_a_host() -> None:
    (found,) = specs(CONFIG, ("ssh://root@other:22",))
    assert (found.name, found.destination, found.ssh_config) == ("root@other:22", "ssh://root@other:22", "/etc/own")


@pytest.mark.parametrize("word", ["root@web1", "ssh://web1:22", "root@web2.example"])
def test_another_user_or_port_does_not_make_a_production_host_less_of_one(word: str) -> None:
    (found,) = specs(CONFIG, (word,))
    assert found.production
    assert found.read_only


def test_this_machine_has_the_name_that_the_configuration_gives_it() -> None:
    assert specs(CONFIG, ("localhost",))[0].name == "box"
    assert specs(Config(), ("localhost",))[0].destination is None


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("none", "the group none has no hosts"),
        ("a;b", "is no host"),
        ("-oProxyCommand=x", "is no host"),
    ],
)
def test_what_is_no_host_is_refused(word: str, said: str) -> None:
    with pytest.raises(CliError, match=said):
        specs(CONFIG, (word,))


def test_a_target_without_a_host_is_only_plain_with_one_host() -> None:
    assert spec(Config(), None).name == "localhost"
    with pytest.raises(CliError, match="name the host before ':' or '/', one of web1, web2, box"):
        spec(CONFIG, None)
    with pytest.raises(CliError, match="prod is a group of 2 hosts: name one of web1, web2"):
        spec(CONFIG, "prod")


@pytest.mark.parametrize("word", ["web1:8080", "other:22", ":8080"])
def test_a_port_is_not_taken_for_one_of_sshd(word: str) -> None:
    with pytest.raises(CliError, match=f"{word} names a port: did you mean hostdeck why {word} .*ssh://{word}"):
        specs(CONFIG, (word,))


@pytest.mark.parametrize("word", ["ssh://other:2222", "ssh://other:2222/api", "ssh://other:2222:8080"])
def test_a_port_of_sshd_is_named_with_its_scheme_and_the_host_is_the_same_when_typed_again(word: str) -> None:
    found = spec(CONFIG, parsed(word).host if word.count(":") > 2 or word.endswith("api") else word)
    assert (found.name, found.destination) == ("ssh://other:2222", "ssh://other:2222")
