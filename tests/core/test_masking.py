"""Secrets that have no name beside them, or that span many lines."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.core.service import ServiceRef
from console.core.text import HIDDEN, KEY_LINES, Masker, mask
from console.managers.systemd_journal import journal_line, parse_journal

BEGIN, END = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
BODY = ("MIIEpAIBAAKCAQEAx9fTqkNgk0m1W3vQ5r5S8N9m2Yw7f0kq3dJ6z1c4b8aLhXyP", "q1Zs/Tw==")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"user":"u","pass":"x","port":1}', f'{{"user":"u","pass":"{HIDDEN}","port":1}}'),
        ("{'pass': 'x'}", f"{{'pass': '{HIDDEN}'}}"),
        ("user=u pass=x", f"user=u pass={HIDDEN}"),
        ("curl -u u:p https://h/", f"curl -u u:{HIDDEN} https://h/"),
        ("curl -sSu 'u:p' --user=a:b h", f"curl -sSu 'u:{HIDDEN}' --user=a:{HIDDEN} h"),
        ("sshpass -p x ssh h", f"sshpass -p {HIDDEN} ssh h"),
        ("sshpass -v -p'x y' ssh h", f"sshpass -v -p{HIDDEN} ssh h"),
        ("AWS_SECRET_ACCESS_KEY x", f"AWS_SECRET_ACCESS_KEY {HIDDEN}"),
        ("export DB_PASSWORD hunter2!", f"export DB_PASSWORD {HIDDEN}"),
        ("postgres://u:pa/ss@h/db", f"postgres://u:{HIDDEN}@h/db"),
        ("postgres://u:p/a@ss@h/db", f"postgres://u:{HIDDEN}@h/db"),
        (BODY[0], HIDDEN),
        (f'{{"key":"{BEGIN}\\nMIIE"}}', f'{{"key":"{BEGIN}{HIDDEN}"}}'),
        ("http://h:8080/a?mail=x@y", "http://h:8080/a?mail=x@y"),
        ("http://[::1]:80/x@y",) * 2,
        ("second pass: done, bypass=1",) * 2,
        ("docker run -u 1000:1000 img",) * 2,
        ("DB_PASSWORD is not set, API_KEY must be given",) * 2,
        ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",) * 2,
    ],
)
def test_secrets_by_their_place(text: str, shown: str) -> None:
    assert mask(text) == shown


def test_a_key_is_masked_line_by_line() -> None:
    masker = Masker()
    lines = ["before", f"key: {BEGIN}", "Proc-Type: 4,ENCRYPTED", *BODY, f"{END} after", "next"]
    assert [masker.mask(line) for line in lines] == [
        "before", f"key: {BEGIN}{HIDDEN}", HIDDEN, HIDDEN, HIDDEN, f"{HIDDEN}{END} after", "next",
    ]  # fmt: skip


def test_a_key_in_one_line_leaves_the_next_one_alone() -> None:
    for line in (f"{BEGIN}\\n{BODY[0]}\\n{END}", f'{{"key":"{BEGIN}\\n{BODY[0]}"}}'):
        masker = Masker()
        assert BODY[0] not in masker.mask(line)
        assert masker.mask("next") == "next"


def test_a_key_without_an_end_does_not_hide_the_log_for_ever() -> None:
    masker = Masker()
    masker.mask(BEGIN)
    shown = [masker.mask("x") for _ in range(KEY_LINES + 1)]
    assert (shown[-2], shown[-1]) == (HIDDEN, "x")


def entry(message: str, pid: int) -> str:
    return json.dumps({"MESSAGE": message, "_PID": str(pid), "__REALTIME_TIMESTAMP": "1"})


def test_the_journal_tells_no_line_of_a_key_and_loses_none() -> None:
    lines = [entry(BEGIN, 7), entry("listening", 8), *(entry(line, 7) for line in BODY), entry(END, 7)]
    found = parse_journal("unit a.service\n" + "\n".join(lines))
    assert [line.message for line in found] == [
        f"{BEGIN}{HIDDEN}", "listening", HIDDEN, HIDDEN, f"{HIDDEN}{END}",
    ]  # fmt: skip


def test_a_line_of_the_journal_that_was_masked_as_a_whole_can_still_be_read() -> None:
    found = journal_line(ServiceRef("h", "systemd", "a.service"), mask(entry(BEGIN, 7)))
    assert found is not None
    assert found.message == f"{BEGIN}{HIDDEN}"


shaped = st.lists(
    st.sampled_from(["pass", "=", '"', ":", " ", "/", "@", "://", "u:", "curl", "-u", "sshpass -p", "'", "A_KEY", "12",
                     BEGIN, END, BODY[0], "\n", "\\"]),
    max_size=20,
).map("".join)  # fmt: skip


@settings(deadline=None)
@given(shaped)
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    "part", ["://a:", "://a:b/@", "curl -u ", "curl -ua", "sshpass -v ", "A_", "A_KEY ", "Aa", BEGIN]
)
def test_hostile_lines_take_linear_time(part: str) -> None:
    text = part * (1_000_000 // len(part))
    began = time.perf_counter()
    mask(text)
    Masker().mask(text)
    assert time.perf_counter() - began < 20.0
