"""Every recorded answer is read as a person has read it; what is damaged is refused in one way only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.core.probe import ParseError, Probe
from console.core.text import sanitise
from console.managers import MANAGERS
from console.probes import ALL, listeners, release_difference
from tests.probes.recorded import Case, cases, find

FOLDERS = (Path(__file__).parent / "recorded", Path(__file__).parent.parent / "managers" / "recorded")
CASES = [case for folder in FOLDERS for case in cases(folder)]
ODD = ["", "9" * 5000, "-1", "nan", "0x", "²", "{", "}", "[", '"', "::", "table", "  x", "\t"]
PROBES = (*ALL, release_difference.PROBE, *(probe for manager in MANAGERS for probe in manager.probes()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.stem)
def test_it_is_read_as_expected(case: Case) -> None:
    assert case.parsed() == case.expected
    assert case.recorded


def test_every_probe_has_a_recording() -> None:
    assert {probe.name for probe in PROBES} == {find(case.probe).name for case in CASES}


@settings(deadline=None)
@given(st.sampled_from(PROBES), st.text())
def test_garbage_is_a_parse_error_or_an_answer(probe: Probe[object], text: str) -> None:
    tried(probe, text)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(CASES), st.data())
def test_a_damaged_answer_is_a_parse_error_or_an_answer(case: Case, data: st.DataObject) -> None:
    output = case.output
    begin = data.draw(st.integers(0, len(output)))
    end = data.draw(st.integers(begin, min(len(output), begin + 40)))
    put = data.draw(st.one_of(st.text(max_size=20), st.sampled_from(["9" * 5000, "-1", "\n", "\n\n", "nan", "inf"])))
    tried(find(case.probe), output[:begin] + put + output[end:])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(CASES), st.data())
def test_lines_that_are_lost_doubled_or_swapped_are_a_parse_error_or_an_answer(case: Case, data: st.DataObject) -> None:
    lines = case.output.split("\n")
    places = st.integers(0, len(lines) - 1)
    for _ in range(data.draw(st.integers(1, 4))):
        one, other = data.draw(places), data.draw(places)
        match data.draw(st.sampled_from(["lost", "moved", "doubled", "swapped", "cut", "word"])):
            case "lost":
                lines[one] = ""
            case "moved":
                lines.insert(other, lines.pop(one))
            case "doubled":
                lines[other] = lines[one]
            case "swapped":
                lines[one], lines[other] = lines[other], lines[one]
            case "cut":
                lines[one] = lines[one][: data.draw(st.integers(0, len(lines[one])))]
            case _:
                words = re.split(r"([\s:=]+)", lines[one])
                words[data.draw(st.integers(0, len(words) - 1))] = data.draw(st.sampled_from(ODD))
                lines[one] = "".join(words)
    tried(find(case.probe), "\n".join(lines))


ONCE = [
    ("console.probes.nftables:PROBE", "table ip a {\n\tchain b {\ntable ip c {\n\t\tx\n}"),
    ("console.probes.firewalld:PROBE", "public\n  services: ssh\nhome\n\tx"),
    ("console.probes.namespaces:PROBE", "namespace 1\nprocess 7 x\ncgroup 0:"),
    ("console.probes.namespaces:PROBE", "proxy 1 0 docker-proxy -host-port zz\ncgroup 0"),
]


@pytest.mark.parametrize(("name", "text"), ONCE)
def test_what_once_was_neither(name: str, text: str) -> None:
    tried(find(name), text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.stem)
def test_each_answer_without_any_one_of_its_lines_or_cut_behind_it(case: Case) -> None:
    lines = case.output.split("\n")[:200]
    for number in range(len(lines)):
        tried(find(case.probe), "\n".join((*lines[:number], *lines[number + 1 :])))
        tried(find(case.probe), "\n".join((*lines[:number], lines[number][: len(lines[number]) // 2])))


def tried(probe: Probe[object], text: str) -> None:
    try:
        value = probe.parse(sanitise(text))
    except ParseError:
        return
    hash(repr(value))


MANY = "1" * 5000


@pytest.mark.parametrize(
    "line",
    [
        f"tcp LISTEN {MANY} 1 0.0.0.0:22 0.0.0.0:* ino:1",
        f"tcp LISTEN 0 {MANY} 0.0.0.0:22 0.0.0.0:* ino:1",
        f"hostdeck-proc: tcp 0100007F:{'F' * 5000} 0 12",
        f"hostdeck-proc: tcp 0100007F:0050 {MANY} 12",
        f"hostdeck-proc: tcp 0100007F:0050 0 {MANY}",
    ],
)
def test_a_number_that_no_kernel_writes_is_a_parse_error(line: str) -> None:
    """Python makes no text of an int of 5000 digits: the screen would fail long after the parser took it."""
    with pytest.raises(ParseError):
        listeners.parse(line)
