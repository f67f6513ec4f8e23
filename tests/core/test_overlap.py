import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from console.core.network import Listener
from console.core.overlap import Binding, clash, is_loopback, is_wildcard, overlaps, same_address
from console.core.service import Endpoint

KERNEL = Path(__file__).with_name("kernel_bind.py")
PORT = 8080

LOOPBACK = ["0.0.0.0", "127.0.0.1", "127.0.0.2", "127.0.0.6", "::", "*", "::1", "::ffff:127.0.0.1", "::ffff:0.0.0.0"]
SCOPED = [("fe80::77", "link0"), ("fe80::77", "link1"), ("10.99.0.1", None), ("0.0.0.0", "link0"), ("0.0.0.0", "link1")]
SCOPED += [("::", "link0"), ("10.99.0.1", "link0"), ("127.0.0.1", "lo")]


@cache
def namespace() -> tuple[str, ...] | None:
    """The words that start a program in a network namespace of its own, as root or with a user namespace."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return None
    for words in (("unshare", "-n"), ("unshare", "-rn")):
        done = subprocess.run([*words, "ip", "link", "set", "lo", "up"], capture_output=True, check=False)
        if done.returncode == 0:
            return words
    return None


def ask_kernel(pairs: list[tuple[Binding, Binding]], *, links: bool = False) -> list[str]:
    words = namespace() or ()
    arguments = ["--links"] if words else []
    arguments += ["--users"] if os.geteuid() == 0 else []
    if links and not words:
        pytest.skip("needs a network namespace: root, or unprivileged user namespaces")
    done = subprocess.run(
        [*words, sys.executable, str(KERNEL), *arguments],
        input=json.dumps([[asdict(bound), asdict(wanted)] for bound, wanted in pairs]),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    answers: list[str] = json.loads(done.stdout)
    return answers


def disagreements(pairs: list[tuple[Binding, Binding]], *, links: bool = False, least: float = 1 / 3) -> list[str]:
    found = []
    compared = 0
    for (bound, wanted), answer in zip(pairs, ask_kernel(pairs, links=links), strict=True):
        if answer not in ("ok", "EADDRINUSE"):
            continue  # such a socket cannot be made at all, e.g. a mapped address with v6only
        compared += 1
        ours = clash(wanted, bound)
        if (ours is not None) != (answer == "EADDRINUSE"):
            found.append(f"bound {bound}\n  wanted {wanted}\n  kernel {answer}, ours {ours!r}")
    assert compared > len(pairs) * least
    return found


def variants(protocol: str, address: str) -> list[Binding]:
    v6only = [False, True] if address == "::" else [address == "::1"] if ":" in address else [None]
    return [Binding(protocol, address, PORT, v6only=only, uid=os.getuid()) for only in v6only]


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_every_pair_of_addresses_agrees_with_the_kernel(protocol: str) -> None:
    every = [one for address in LOOPBACK for one in variants(protocol, address)]
    assert not disagreements(list(product(every, every)))


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_links_and_scopes_agree_with_the_kernel(protocol: str) -> None:
    every = [one for address in ("0.0.0.0", "::", "*", "127.0.0.1") for one in variants(protocol, address)]
    every += [Binding(protocol, address, PORT, interface=link, uid=os.getuid()) for address, link in SCOPED]
    assert not disagreements(list(product(every, every)), links=True)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_socket_options_agree_with_the_kernel(protocol: str) -> None:
    users = [0, 65534] if os.geteuid() == 0 else [os.getuid()]
    every = [
        Binding(
            protocol, address, PORT, uid=uid, reuse_port=share, reuse_address=reuse, listening=listening, v6only=False
        )
        for address, uid, share, reuse, listening in product(
            ["0.0.0.0", "127.0.0.1", "::"], users, [False, True], [False, True], [False, True]
        )
    ]
    assert not disagreements(list(product(every, every)))


def anything(protocol: str) -> st.SearchStrategy[Binding]:
    """Every dimension at once: address of either family, wildcard, mapped or scoped; v6only; device; the two options;
    user; listening or only bound."""

    def build(place: tuple[str, str | None], only: bool, **options: Any) -> Binding:
        address, link = place
        v6only = None if ":" not in address else only and not address.startswith("::ffff:")
        return Binding(protocol, address, PORT, v6only=v6only, interface=link, **options)

    places = [(address, None) for address in LOOPBACK if address != "*"] + SCOPED
    places += [("::", "link1"), ("::1", "lo"), ("::1", None), ("10.99.0.1", "link1"), ("::ffff:10.99.0.1", None)]
    users = [0, 65534, 1001] if os.geteuid() == 0 else [os.getuid()]
    return st.builds(
        build,
        st.sampled_from(places),
        st.booleans(),
        uid=st.sampled_from(users),
        reuse_port=st.booleans(),
        reuse_address=st.booleans(),
        listening=st.booleans(),
    )


SEEN: dict[str, Counter[tuple[str, object]]] = {"tcp": Counter(), "udp": Counter()}


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_every_mixture_agrees_with_the_kernel(protocol: str) -> None:
    one = anything(protocol)

    # Not made smaller when it fails: what disagrees is told pair by pair.
    @settings(
        max_examples=12, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(st.tuples(one, one), min_size=250, max_size=400))
    def compare(pairs: list[tuple[Binding, Binding]]) -> None:
        assert not disagreements(pairs, links=True, least=0.5)
        for both in pairs:
            for binding in both:
                SEEN[protocol].update(dimensions(binding))

    compare()
    missing = {value for value in dimensions_of_all(protocol) if not SEEN[protocol][value]}
    assert not missing


def dimensions(one: Binding) -> Iterator[tuple[str, object]]:
    yield "address", (one.address, one.interface)
    yield "v6only", one.v6only
    yield "uid", one.uid
    yield "options", (one.reuse_port, one.reuse_address, one.listening)


def dimensions_of_all(protocol: str) -> Iterator[tuple[str, object]]:
    """What must have been tried at least once."""
    yield from (("v6only", value) for value in (None, True, False))
    yield from (("options", value) for value in product([True, False], repeat=3))
    yield from (("address", place) for place in SCOPED)
    yield from (("address", (address, None)) for address in LOOPBACK if address != "*")
    yield from (("uid", uid) for uid in ([0, 65534, 1001] if os.geteuid() == 0 else [os.getuid()]))


bindings = st.builds(
    Binding,
    st.sampled_from(["tcp", "udp"]),
    st.sampled_from([*LOOPBACK, "10.0.0.5", "fe80::1", "2001:db8::1"]),
    st.just(PORT),
    v6only=st.sampled_from([None, False, True]),
    interface=st.sampled_from([None, "eth0", "eth1"]),
    uid=st.sampled_from([None, 0, 1000]),
    reuse_port=st.booleans(),
    reuse_address=st.booleans(),
)


@given(bindings, bindings)
def test_a_clash_does_not_depend_on_who_came_first(first: Binding, second: Binding) -> None:
    assert (clash(first, second) is None) == (clash(second, first) is None)


@given(bindings)
def test_a_socket_without_options_clashes_with_itself(one: Binding) -> None:
    plain = Binding(one.protocol, one.address, one.port, v6only=one.v6only, interface=one.interface)
    assert clash(plain, plain) is not None


@given(bindings, bindings)
def test_other_ports_and_protocols_never_clash(first: Binding, second: Binding) -> None:
    other_port = Binding(second.protocol, second.address, PORT + 1)
    other_protocol = Binding("udp" if first.protocol == "tcp" else "tcp", second.address, PORT)
    assert clash(first, other_port) is None
    assert clash(first, other_protocol) is None


@pytest.mark.parametrize(
    ("wanted", "bound", "reason"),
    [
        ("0.0.0.0", "127.0.0.1", "127.0.0.1 overlaps 0.0.0.0"),
        ("127.0.0.1", "127.0.0.2", None),
        ("127.0.0.1", "127.0.0.1", "same address 127.0.0.1"),
        ("0.0.0.0", "::", "[::] (IPv6 and IPv4) overlaps 0.0.0.0"),
        ("::", "0.0.0.0", "0.0.0.0 overlaps [::] (IPv6 and IPv4)"),
        ("0.0.0.0", "*", "* (IPv6 and IPv4) overlaps 0.0.0.0"),
        ("::1", "::", "[::] overlaps [::1]"),
        ("::1", "127.0.0.1", None),
        ("::ffff:127.0.0.1", "127.0.0.1", "127.0.0.1 overlaps [::ffff:127.0.0.1]"),
        ("fe80::1%eth0", "fe80::1%eth1", None),
        ("fe80::1%eth0", "fe80::1%eth0", "same address [fe80::1]%eth0"),
        ("[::1]", "0:0:0:0:0:0:0:1", "[0:0:0:0:0:0:0:1] overlaps [::1]"),
    ],
)
def test_the_reason_is_readable(wanted: str, bound: str, reason: str | None) -> None:
    assert clash(Binding("tcp", wanted, PORT), Binding("tcp", bound, PORT)) == reason


def test_v6only_listener_leaves_ipv4_free() -> None:
    listener = Listener("tcp", "::", PORT, v6only=True)
    assert overlaps(Endpoint("tcp", "0.0.0.0", PORT), listener) is None
    assert overlaps(Endpoint("tcp", "::", PORT), listener) == "same address [::]"


def test_half_shared_port_is_explained() -> None:
    one = Binding("tcp", "0.0.0.0", PORT, uid=1, reuse_port=True)
    assert clash(one, Binding("tcp", "0.0.0.0", PORT, uid=1, reuse_port=True)) is None
    assert "within one user" in (clash(one, Binding("tcp", "0.0.0.0", PORT, uid=2, reuse_port=True)) or "")
    assert "one side only" in (clash(one, Binding("tcp", "0.0.0.0", PORT, uid=1)) or "")


def test_kinds_of_address() -> None:
    assert is_wildcard("*")
    assert is_wildcard("::")
    assert is_wildcard("0.0.0.0")
    assert not is_wildcard("::1")
    assert is_loopback("127.0.0.9")
    assert is_loopback("::1")
    assert not is_loopback("0.0.0.0")
    assert same_address("::ffff:10.0.0.1", "10.0.0.1")
    assert not same_address("::", "0.0.0.0")
