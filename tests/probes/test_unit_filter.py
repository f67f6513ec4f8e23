"""The filter of a unit and of its slices, as ``systemctl show`` tells it."""

import pytest

from console.core.probe import ParseError
from console.probes.unit_filter import parse

# As systemd 252 printed it on a lab host; the slice was given its list for it.
TOLD = """Unit=api.service
Slice=system.slice
IPAddressAllow=::1/128 127.0.0.0/8
IPAddressDeny=0.0.0.0/0 ::/0
IPIngressFilterPath=
RestrictNetworkInterfaces=~
Unit=system.slice
Slice=-.slice
IPAddressAllow=10.0.0.0/24
IPAddressDeny=
Unit=-.slice
IPAddressAllow=
IPAddressDeny=
"""


@pytest.mark.parametrize(
    ("client", "dropped"),
    [
        ("127.0.0.1", False), ("::1", False), ("10.0.0.9", False), ("10.0.1.9", True), ("::ffff:10.0.0.9", False),
        ("2001:db8::1", True), ("fe80::1%eth0", True),
    ],
)  # fmt: skip
def test_what_is_allowed_by_the_unit_or_a_slice_passes(client: str, dropped: bool) -> None:
    found = parse(TOLD)
    assert (found.unit, found.others) == ("api.service", ())
    assert found.drops(client) is dropped


def test_a_unit_without_a_filter_drops_nothing() -> None:
    found = parse("Unit=api.service\nIPAddressAllow=\nIPAddressDeny=\n")
    assert not found.drops("10.0.0.9")


def test_what_is_not_judged_is_kept() -> None:
    found = parse("Unit=api.service\nIPIngressFilterPath=/sys/fs/bpf/x\nRestrictNetworkInterfaces=lo\n")
    assert found.others == ("IPIngressFilterPath=/sys/fs/bpf/x", "RestrictNetworkInterfaces=lo")


@pytest.mark.parametrize("text", ["", "nonsense", "Unit=a.service\nIPAddressDeny=everything\n"])
def test_what_is_no_answer(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)
