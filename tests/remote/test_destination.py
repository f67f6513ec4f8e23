"""Names of hosts as people type them, and as people must not."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.remote.destination import Destination, DestinationError, parse_destination, split_destination


@pytest.mark.parametrize(
    ("text", "host", "user", "port"),
    [
        ("web1", "web1", None, None),
        ("deploy@web1", "web1", "deploy", None),
        ("web1:2222", "web1", None, 2222),
        ("deploy@web1:2222", "web1", "deploy", 2222),
        ("ssh://deploy@web1:2222", "web1", "deploy", 2222),
        ("ssh://web1/", "web1", None, None),
        ("SSH://web1", "web1", None, None),
        ("[::1]:22", "::1", None, 22),
        ("[::1]", "::1", None, None),
        ("::1", "::1", None, None),
        ("root@fe80::1%eth0", "fe80::1%eth0", "root", None),
        ("10.0.0.7", "10.0.0.7", None, None),
        ("me@example.com@bastion", "bastion", "me@example.com", None),
        ("CORP\\me@web1", "web1", "CORP\\me", None),
        ("localhost", "localhost", None, None),
    ],
)
def test_forms_of_a_destination(text: str, host: str, user: str | None, port: int | None) -> None:
    assert split_destination(text) == Destination(host, user, port)
    spec = parse_destination(text)
    assert (spec.name, spec.destination, spec.user, spec.port) == (host, host, user, port)


@pytest.mark.parametrize("text", ["", "local"])
def test_this_machine(text: str) -> None:
    assert parse_destination(text).destination is None


@pytest.mark.parametrize(
    "text",
    [
        "-oProxyCommand=touch x",
        "user@-oProxyCommand=x",
        "ssh://-web1",
        "a;touch x",
        "$(reboot)",
        "a\nb",
        "web 1",
        "web1\x1b[2J",
        "web1\u202e",
        "`id`",
        "a'b",
        "@web1",
        "-l@web1",
        "x;y@web1",
        "me\\@web1",
        "user@",
        "web1:",
        "web1:0",
        "web1:65536",
        "web1:ssh",
        "web1:²",
        "[::1",
        "[::1]x",
        "[]:22",
        "http://web1",
        "web1/../etc",
    ],
)
def test_hostile_and_broken_destinations_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(DestinationError) as refusal:
        parse_destination(text)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 250


@given(st.text(max_size=40))
def test_what_is_accepted_is_harmless_in_a_shell(text: str) -> None:
    try:
        parts = split_destination(text)
    except DestinationError:
        return
    assert not parts.host.startswith("-")
    assert shlex.split(parts.host, comments=True) == [parts.host]
    assert parts.host.isprintable()
    assert parts.user is None or not parts.user.startswith("-")
