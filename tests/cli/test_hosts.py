"""Which hosts are meant."""

import socket
from pathlib import Path

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


@pytest.mark.parametrize("word", ["WEB1", "Web1.", "root@Web1", "ssh://web1.:22", "root@WEB2.Example."])
def test_another_spelling_does_not_either(word: str) -> None:
    (found,) = specs(CONFIG, (word,))
    assert found.production
    assert found.read_only


def test_another_spelling_of_a_configured_name_is_that_host_and_not_a_second_one() -> None:
    assert specs(CONFIG, ("WEB1", "web1.", "web1")) == specs(CONFIG, ("web1",))
    assert specs(CONFIG, ("LOCALHOST",)) == specs(CONFIG, ("localhost",))


def here(read_only: str = "true") -> Config:
    return parse(f'[[hosts]]\nname = "box"\nlocal = true\nread_only = {read_only}\nproduction = true\n', "f")


@pytest.mark.parametrize(
    "word",
    ["127.0.0.1", "root@localhost", "root@LocalHost.", "root@127.1", "ssh://127.0.0.1:22", "[::ffff:127.0.0.1]:22",
     "root@box", "root@me.localhost", f"root@{socket.gethostname().upper()}"],
)  # fmt: skip
def test_this_machine_over_ssh_keeps_the_marks_of_the_local_host(word: str) -> None:
    (found,) = specs(here(), (word,))
    assert found.destination is not None
    assert (found.read_only, found.production) == (True, True)


def test_another_machine_does_not_get_the_marks_of_the_local_host() -> None:
    (found,) = specs(here(), ("192.0.2.7",))
    assert (found.read_only, found.production) == (False, False)


SSH_CONFIG = """
Host db
  HostName db1.example
Host primary
  HostName DB1.example
Host me
  HostName 127.0.0.1
Host inner
  HostName localhost
  ProxyJump db
"""


@pytest.mark.parametrize(
    ("word", "marked"),
    [("primary", True), ("ann@primary", True), ("db1.example", True), ("me", True), ("inner", False), ("db2", False)],
)
def test_an_alias_of_the_ssh_configuration_keeps_the_marks_of_its_host(tmp_path: Path, word: str, marked: bool) -> None:
    path = tmp_path / "ssh_config"
    path.write_text(SSH_CONFIG)
    text = f'[ssh]\nconfig = "{path}"\n[[hosts]]\nname = "db"\nread_only = true\n'
    text += '[[hosts]]\nname = "box"\nlocal = true\nread_only = true\n'
    (found,) = specs(parse(text, "f"), (word,))
    assert found.read_only is marked


def test_where_several_hosts_are_one_machine_the_strictest_counts() -> None:
    text = '[[hosts]]\nname = "a"\ndestination = "gw"\n[[hosts]]\nname = "b"\ndestination = "GW"\nread_only = true\n'
    (found,) = specs(parse(text, "f"), ("root@gw",))
    assert found.read_only


def test_this_machine_has_the_name_that_the_configuration_gives_it() -> None:
    assert specs(CONFIG, ("localhost",))[0].name == "box"
    assert specs(Config(), ("localhost",))[0].destination is None


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("none", "the group none has no hosts"),
        ("a;b", "is no host"),
        ("web*", "is a pattern, and no host is named so"),
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
