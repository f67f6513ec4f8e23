"""No control character of a host reaches the terminal, clean text stays as it is, secrets do not show."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.core.text import HIDDEN, MARK, cut, decode, mask, sanitise

hostile = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b\x9b\x9d\x90\x9c\x07\x18\r\n\t[]P\\^_X;0123mHJc ?\u202e\u2066\u200b\u2028\ud800\x7f"),
        st.characters(),
    ),
    max_size=60,
)


def obeyed(character: str) -> bool:
    if character in "\n\t":
        return False
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or unicodedata.bidirectional(character) in {
        "LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI",
    }  # fmt: skip


@settings(deadline=None)
@given(hostile)
def test_no_control_character_is_left(text: str) -> None:
    assert not [character for character in sanitise(text) if obeyed(character)]


@settings(deadline=None)
@given(hostile)
def test_the_result_is_its_own_sanitised_form(text: str) -> None:
    once = sanitise(text)
    assert sanitise(once) == once


@settings(deadline=None)
@given(hostile, st.integers(0, 60))
def test_a_sequence_split_anywhere_is_not_let_through(text: str, at: int) -> None:
    joined = sanitise(text[:at]) + sanitise(text[at:])
    assert not [character for character in joined if obeyed(character)]
    assert sanitise(joined) == joined


@settings(deadline=None)
@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "M"], include_characters=" \n\t")))
def test_clean_text_is_unchanged(text: str) -> None:
    assert sanitise(text) == text


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_become_safe_text(data: bytes) -> None:
    safe = sanitise(decode(data))
    assert not [character for character in safe if obeyed(character)]
    safe.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x1b]52;c;aGk=\x07b", "ab"),
        ("a\x1b]0;title\x1b\\b", "ab"),
        ("a\x9d0;title\x9cb", "ab"),
        ("a\x9b2Jb", "ab"),
        ("a\x1bPq#0\x1b\\b", "ab"),
        ("a\x1b^pm\x1b\\b\x1b_apc\x1b\\c\x1bXsos\x1b\\d", "abcd"),
        ("a\x1b(0b\x1bcc", "abc"),
        ("a\x1b\x1b[0m[31mb", f"a{MARK}[31mb"),
        ("a\x1b]52;c;never ends\nnext line", f"a{MARK}]52;c;never ends\nnext line"),
        ("a\x1b[12", f"a{MARK}[12"),
        ("a\x1b", f"a{MARK}"),
        ("bell\x07 back\x08 del\x7f", f"bell{MARK} back{MARK} del{MARK}"),
        ("right \u202eleft", f"right {MARK}left"),
        ("pay\u200bpal\ufeff", f"pay{MARK}pal{MARK}"),
        ("one\u2028two\u2029", f"one{MARK}two{MARK}"),
        ("line\r\nnext\r", "line\nnext"),
        ("over\rwrite", f"over{MARK}write"),
        ("tab\tnew\nline", "tab\tnew\nline"),
        ("Grüße, 日本, 👍🏽, é", "Grüße, 日本, 👍🏽, é"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert sanitise(text) == shown


def test_a_megabyte_of_escapes_takes_linear_time() -> None:
    # Quadratic behaviour would take minutes here.
    for hostile_text in ("\x1b]" * 500_000, "\x1b[" + "1;" * 500_000, "\r" * 1_000_000, "\x1b" * 1_000_000):
        assert "\x1b" not in sanitise(hostile_text)


def test_undecodable_bytes_become_replacement_characters() -> None:
    assert decode(b"caf\xe9 \xff ok") == "caf\ufffd \ufffd ok"


def test_cut_says_how_many_bytes_are_missing() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcdé", 3) == "abc… [3 bytes cut]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("DB_PASSWORD=hunter2 y", f"DB_PASSWORD={HIDDEN} y"),
        ('{"password": "a\\"b c", "user": "x"}', f'{{"password": "{HIDDEN}", "user": "x"}}'),
        ('{\\"secret\\":\\"abc def\\",\\"u\\":1}', f'{{\\"secret\\":\\"{HIDDEN}\\",\\"u\\":1}}'),
        ('{"token":123,"user":"x"}', f'{{"token":{HIDDEN},"user":"x"}}'),
        ("PGPASSWORD='a b' psql", f"PGPASSWORD='{HIDDEN}' psql"),
        ("mysqld --password hunter2 -v", f"mysqld --password {HIDDEN} -v"),
        ("Authorization: Bearer abc.def", f"Authorization: Bearer {HIDDEN}"),
        ("authorization=Basic Zm9vOmJhcg== x", f"authorization=Basic {HIDDEN} x"),
        ("sent bearer 0123456789abcdef", f"sent bearer {HIDDEN}"),
        ("mysql://root:p@ss@db/x", f"mysql://root:{HIDDEN}@db/x"),
        ("redis://:pw@h:6379", f"redis://:{HIDDEN}@h:6379"),
        ("GET /?token=abc&page=1", f"GET /?token={HIDDEN}&page=1"),
        ("key AKIAIOSFODNN7EXAMPLE used", f"key {HIDDEN} used"),
        ("aws_secret_access_key = wJalr/xxx", f"aws_secret_access_key = {HIDDEN}"),
        ("jwt eyJhbGciOi.eyJzdWIiOi.c2ln end", f"jwt {HIDDEN} end"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nrest",
            f"-----BEGIN RSA PRIVATE KEY-----{HIDDEN}-----END RSA PRIVATE KEY-----\nrest",
        ),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", f"-----BEGIN PRIVATE KEY-----{HIDDEN}"),
        ("tokens=4096 max_tokens: 5", "tokens=4096 max_tokens: 5"),
        ("Unexpected token } in JSON", "Unexpected token } in JSON"),
        ("password authentication failed for user root", "password authentication failed for user root"),
        ("listen tcp 127.0.0.1:8080: bind: address already in use",) * 2,
        ("keyboard: us, monkey=1", "keyboard: us, monkey=1"),
    ],
)
def test_secrets_are_masked(text: str, shown: str) -> None:
    assert mask(text) == shown


secret_shaped = st.lists(
    st.sampled_from(
        ["password", "=", ": ", '"', '\\"', "'", " ", "\n", "token", "://", "u:", "@", "Bearer ", "Authorization", "x1",
         "api-key", "\\", "{", "}", ",", "&", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "--secret"]
    ),
    max_size=20,
).map("".join)  # fmt: skip


@settings(deadline=None)
@given(secret_shaped)
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@settings(deadline=None)
@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=8))
def test_a_named_secret_never_survives(secret: str) -> None:
    for form in (f"password={secret}", f'"api_key": "{secret}"', f"--token {secret}", f"amqp://u:{secret}@h/"):
        assert secret not in mask(form)


def test_masking_hostile_text_takes_linear_time() -> None:
    for text in ("password " * 100_000, "a-" * 100_000 + "key", "pass" * 100_000, 'password="' + '\\"' * 100_000):
        mask(text)
