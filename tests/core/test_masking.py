"""Secrets that have no name beside them, or that span many lines."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.core.service import ServiceRef
from console.core.text import HIDDEN, KEY_LINES, Masker, mask, mask_variable, mask_words
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
        ("mysql -uroot -phunter2 db", f"mysql -uroot -p{HIDDEN} db"),
        ("/usr/bin/mysqldump -h db '-phun ter2' shop", f"/usr/bin/mysqldump -h db '-p{HIDDEN}' shop"),
        ("docker login -u ann -p hunter2 reg.example", f"docker login -u ann -p {HIDDEN} reg.example"),
        ("podman --log-level debug login -p=hunter2", f"podman --log-level debug login -p={HIDDEN}"),
        ("redis-cli -h cache -a 'hun ter2' ping", f"redis-cli -h cache -a {HIDDEN} ping"),
        ("mongosh -u ann -p hunter2 shop", f"mongosh -u ann -p {HIDDEN} shop"),
        ("ldapsearch -x -D cn=a -w hunter2 -b dc=x", f"ldapsearch -x -D cn=a -w {HIDDEN} -b dc=x"),
        ("curl -b 'session=dead' http://h/", f"curl -b {HIDDEN} http://h/"),
        ('["mysql","-uroot","-phunter2","next"]', f'["mysql","-uroot","-p{HIDDEN}","next"]'),
        (r'{"m":"[\"redis-cli\", \"-a\", \"hunter2\", 1]"}', rf'{{"m":"[\"redis-cli\", \"-a\", \"{HIDDEN}\", 1]"}}'),
        ("Cookie: a=b; session=dead", f"Cookie: {HIDDEN}"),
        ("curl -H 'Cookie: a=b&c; d=dead' h", f"curl -H 'Cookie: {HIDDEN}' h"),
        ('Cookie: a="x y"; session=dead\nHost: h', f"Cookie: {HIDDEN}\nHost: h"),
        ("Set-Cookie: s=dead; Path=/; HttpOnly", f"Set-Cookie: {HIDDEN}"),
        ("mysql -p shop, ssh -p 22 h, docker run -p 80:80 img; login -p ann",) * 2,
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
                     "mysql ", "docker login ", "redis-cli ", "-p", "-a", ",", "Cookie: ", "; ", BEGIN, END, BODY[0],
                     "\n", "\\"]),
    max_size=20,
).map("".join)  # fmt: skip


@settings(deadline=None)
@given(shaped)
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    "part",
    [
        "://a:",
        "://a:b/@",
        "curl -u ",
        "curl -ua",
        "sshpass -v ",
        "A_",
        "A_KEY ",
        "Aa",
        BEGIN,
        "://a/hook",
        "?sig=",
        '"--pass","',
        "mysql ",
        "docker login ",
        "redis-cli '",
        "Cookie: a; ",
        "npm_",
        "SG.aaaaaaaaaaaaaaaaaaa.",
        "pass='",
    ],
)
def test_hostile_lines_take_linear_time(part: str) -> None:
    text = part * (1_000_000 // len(part))
    began = time.process_time()
    mask(text)
    Masker().mask(text)
    # Of this process's own CPU, whatever else the machine does: an hour where a pattern tries every end of every begin.
    assert time.process_time() - began < 60.0


def test_a_line_for_sudoers_is_shown_as_it_is_to_be_written() -> None:
    line = "needs in sudoers: ann ALL=(root) NOPASSWD: /usr/sbin/nginx -t -q"
    assert mask(line) == line
    assert "hunter2" not in mask("nopassword=0 passwd: hunter2")


def test_a_word_that_is_quoted_in_parts_is_masked_whole() -> None:
    assert mask("sshpass -p'hun'ter2 ssh web1") == f"sshpass -p{HIDDEN} ssh web1"


SLACK = "https://hooks.slack.com/services/"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{SLACK}T0/B0/abcdefghijkl", f"{SLACK}{HIDDEN}"),
        (f'{{"text":"post {SLACK}T0/B0/abc"}}', f'{{"text":"post {SLACK}{HIDDEN}"}}'),
        ("https://discord.com/api/webhooks/1234/abc-DEF", f"https://discord.com/api/webhooks/{HIDDEN}"),
        ("https://ptb.discordapp.com/api/v10/webhooks/1/a", f"https://ptb.discordapp.com/api/v10/webhooks/{HIDDEN}"),
        ("https://acme.webhook.office.com/webhookb2/a@b/X/0/1", f"https://acme.webhook.office.com/{HIDDEN}"),
        ("https://outlook.office.com/webhook/a@b/X/0/1", f"https://outlook.office.com/webhook/{HIDDEN}"),
        ("https://api.telegram.org/bot12:ab/sendMessage", f"https://api.telegram.org/bot{HIDDEN}"),
        ("https://chat.example:8443/hooks/abcdefghijklmnop1234567890", f"https://chat.example:8443/hooks/{HIDDEN}"),
        ("https://a.blob.core.windows.net/c?sp=r&sig=ab%2Bc%3D&x=1",
         f"https://a.blob.core.windows.net/c?sp=r&sig={HIDDEN}&x=1"),
        ("SharedAccessSignature=sig=ab%2Bcdefghijklmnopqrstuvw%3D&se=1",
         f"SharedAccessSignature=sig={HIDDEN}&se=1"),
        ("AccountName=a;AccountKey=abc+/==;", f"AccountName=a;AccountKey={HIDDEN}"),
        ("https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=dead",
         f"https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature={HIDDEN}"),
        (r"https://s/k?a=1\u0026X-Goog-Signature=dead", rf"https://s/k?a=1\u0026X-Goog-Signature={HIDDEN}"),
        ("amqp://app:p%40x@mq:5672/v", f"amqp://app:{HIDDEN}@mq:5672/v"),
        ("redis://:p@cache:6379/0", f"redis://:{HIDDEN}@cache:6379/0"),
        ("https://abcdefghijklmnopqrst1234@git.example/x", f"https://{HIDDEN}@git.example/x"),
        ("https://git.example/api/repos/o/r/hooks/1234",) * 2,
        ("ssh://deploy@web1/srv, sig=9, /?code=200",) * 2,
    ],
)  # fmt: skip
def test_addresses_that_open_something(text: str, shown: str) -> None:
    assert mask(text) == shown
    assert mask_variable("TARGET", text) == shown
    assert mask(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        r"PASSWORD=ab\"hunter2 next",
        r'PASSWORD="ab\"hunter2" next',
        r'{"m":"PASSWORD=\"ab\\\"hunter2\" next"}',
        'PASSWORD=ab"hunter2 next',
        """PASSWORD='ab'"'"'hunter2' next""",
        r'--password "ab\"hunter2" next',
        """--password 'ab'"'"'hunter2' next""",
        r'{"m":"--password \"hunter2\" next"}',
        '["mysql", "--password", "hunter2", "next"]',
        r'{"m":"[\"--token\",\"ab\\\"hunter2\"] next"}',
    ],
)
def test_a_quote_inside_of_a_secret_does_not_end_it(text: str) -> None:
    assert "hunter2" not in mask(text)
    assert "next" in mask(text)
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    "words",
    [
        ("PASSWORD=ab'hunter2",),
        ('PASSWORD=ab"hunter2',),
        ("--db-password=correct hunter2",),
        ("--password", "ab\"cd'hunter2 ef"),
        ("curl", "-u", "u:pa'hunter2", "next"),
        ('{"password":"ab\\"hunter2"}', "next"),
    ],
)
def test_a_word_of_a_command_is_masked_whole(words: tuple[str, ...]) -> None:
    shown = mask_words(words)
    assert len(shown) == len(words)
    assert "hunter2" not in " ".join(shown)


def test_words_without_a_secret_stay_as_they_are() -> None:
    words = ("x", "it's", "a \\ b", 'say "hi"', "https://h/?token=x&y=1", "")
    assert mask_words(words) == (*words[:4], f"https://h/?token={HIDDEN}&y=1", "")


def known_tokens() -> list[str]:
    """A made-up token of each issuer, by what they publish of their form."""
    word = "".join(chr(ord("a") + number % 26) for number in range(7, 200, 7)) + "0123456789ABCDEFGH"
    word, hexadecimal = word[:40], "0123456789abcdef" * 4
    same = (
        "npm_ dckr_pat_ dckr_oat_ pypi-AgEI hf_ glpat- glrt- gldt- glcbt- glptt- whsec_ ghp_ ghs_ github_pat_ hvs. "
        "ya29. GOCSPX- ATATT3x gsk_ r8_ nvapi- sk- sk-ant- xoxb-1- xapp-1- sntrys_ tskey-auth- rubygems_ lin_api_ figd_"
    )
    return [
        *(prefix + word for prefix in same.split()),
        *(prefix + hexadecimal for prefix in ("dop_v1_", "shpat_", "dapi")),
        f"SK{hexadecimal[:32]}", f"key-{hexadecimal[:32]}", f"SG.{word[:22]}.{word}", f"glrt-{word}.01.{word[:9]}",
        f"glsa_{word[:32]}_{hexadecimal[:8]}", f"rk_live_{word}", "AKIAIOSFODNN7EXAMPLE",
    ]  # fmt: skip


@pytest.mark.parametrize("token", known_tokens())
def test_a_token_is_known_by_how_it_begins(token: str) -> None:
    assert mask(f"pushed with {token}, done") == f"pushed with {HIDDEN}, done"
    assert mask_variable("TARGET", token) == HIDDEN


def test_what_begins_like_a_token_and_is_none_stays() -> None:
    text = (
        "npm_config_registry npm_package_dependencies_of_a_very_long_name_that_goes_on hf_hub_download_from_here "
        "pypi-mirror-of-the-whole-company sk-learn glrt- SG.2 key-value whsec_ dapier-than-the-rest-of-all"
    )
    assert mask(text) == text
