"""What sets a variable, what runs instead, and that no secret leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.command import Secret
from console.core.environment import ABSENT, CHANGED, OTHER, Origin, Raw, Told, environment, sections
from console.core.service import ServiceRef
from console.core.text import HIDDEN, is_secret_name, mask_variable

REF = ServiceRef("web1", "systemd", "api.service")
TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ"


def raws(**values: str) -> tuple[Raw, ...]:
    return tuple(Raw(name, Secret(value)) for name, value in values.items())


def told(origin: Origin, where: str, changed: float | None = None, **values: str) -> Told:
    return Told(origin, where, raws(**values), mode="0640", owner="root:api", changed=changed)


def process(started: float = 100.0, **values: str) -> Told:
    return Told(Origin.PROCESS, "pid 7", raws(**values), started=started)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("DB_PASSWORD", "my pass phrase", HIDDEN),
        ("PGPASS", "x", HIDDEN),
        ("STRIPE_KEY", "x", HIDDEN),
        ("SENTRY_DSN", "https://x@h/1", HIDDEN),
        ("RAILS_MASTER_KEY", "x", HIDDEN),
        ("DB_PASSWORD", "", ""),
        ("DB_PASSWORD_FILE", "/run/secrets/db", "/run/secrets/db"),
        ("DB_PASSWORD_FILE", "hunter2", HIDDEN),
        ("DATABASE_URL", "postgres://u:hunter2@h/db", f"postgres://u:{HIDDEN}@h/db"),
        ("JAVA_OPTS", '-Xmx1g --password "a b" -Dx', f"-Xmx1g --password {HIDDEN} -Dx"),
        ("HOOK", "https://5c26b96a5c26b96a5c26b96a5c26b96a@h/2", f"https://{HIDDEN}@h/2"),
        ("BLOB", "aGVsbG8gd29ybGQgZm9vYmFyMTIzQUJDZGVm", HIDDEN),
        ("GIT_COMMIT", "5c26b96a5c26b96a5c26b96a5c26b96a5c26b96a", "5c26b96a5c26b96a5c26b96a5c26b96a5c26b96a"),
        ("PEM", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", f"-----BEGIN PRIVATE KEY-----{HIDDEN}"
         "-----END PRIVATE KEY-----"),
        ("PATH", "/usr/local/bin:/usr/bin", "/usr/local/bin:/usr/bin"),
        ("PWD", "/srv", "/srv"),
        ("PORT", "8080", "8080"),
        ("MONKEY", "banana", "banana"),
        ("MAX_TOKENS", "4096", "4096"),
        ("GIT_AUTHOR_NAME", "Ann", "Ann"),
        ("BYPASS", "1", "1"),
    ],
)  # fmt: skip
def test_values_are_masked_by_name_and_by_shape(name: str, value: str, shown: str) -> None:
    assert mask_variable(name, value) == shown


@given(st.text(min_size=1, max_size=40), st.sampled_from(("PASSWORD", "api_token", "X_SECRET", "AWS_ACCESS_KEY_ID")))
def test_nothing_of_a_value_is_left_under_the_name_of_a_secret(value: str, name: str) -> None:
    assert is_secret_name(name)
    assert mask_variable(name, value) == HIDDEN


def test_what_runs_is_compared_before_anything_is_masked() -> None:
    found = environment(
        REF,
        (
            told(Origin.UNIT, "api.service", PORT="8080", MODE="prod"),
            told(Origin.FILE, "/etc/default/api", 500.0, TOKEN="new", PORT="9090", SAME="x", LATER="y"),
            told(Origin.BESIDE, "/srv/.env", 50.0, ONLY_HERE="1", TOKEN="dev"),
            process(TOKEN="old", PORT="9090", SAME="x", MODE="dev", HOME="/root"),
        ),
    )
    unit, file, beside, running = found.sources
    assert [each.note for each in unit.variables] == ["overridden by /etc/default/api", OTHER]
    assert [(each.name, each.value, each.note) for each in file.variables] == [
        ("TOKEN", HIDDEN, CHANGED), ("PORT", "9090", None), ("SAME", "x", None), ("LATER", "y", CHANGED),
    ]  # fmt: skip
    assert [each.note for each in beside.variables] == [None, OTHER]
    assert all(each.note is None for each in running.variables)
    assert found.restart_due == ("TOKEN", "LATER")


def test_a_file_that_did_not_change_is_not_said_to_have() -> None:
    found = environment(REF, (told(Origin.FILE, "/etc/default/api", 101.0, A="1", B="2"), process(A="0")))
    assert [each.note for each in found.sources[0].variables] == [OTHER, ABSENT]
    assert found.restart_due == ()


def test_a_process_that_may_not_be_read_leaves_the_times() -> None:
    hidden = Told(Origin.PROCESS, "pid 7", failure="oncall may not read it", started=100.0)
    found = environment(REF, (told(Origin.FILE, "/etc/default/api", 500.0, A="1"), hidden))
    assert found.sources[0].variables[0].note is None
    assert found.sources[0].notes == ("changed on disk since the start: a restart may be due",)
    assert found.sources[1].failure == "oncall may not read it"


def test_a_pattern_of_the_manager_is_not_compared() -> None:
    pattern = Told(Origin.PROGRAM, "/etc/s.conf", (Raw("A", Secret("%(ENV_HOME)s"), filled=False),), changed=500.0)
    assert environment(REF, (pattern, process(A="/root"))).sources[0].variables[0].note is None


def test_a_person_is_told_each_source_and_no_secret() -> None:
    open_file = Told(Origin.FILE, "/etc/default/api", raws(API_TOKEN=TOKEN), mode="0644", owner="root:root")
    found = environment(REF, (open_file, process(API_TOKEN=TOKEN, LEFT=TOKEN, HOME="/root")))
    text = "\n".join(line for title, lines in sections(found) for line in (title, *lines))
    assert TOKEN not in text + repr(found)
    assert "EnvironmentFile= /etc/default/api  0644 root:root" in text
    assert "readable by everyone, and it holds secrets: chmod 640 /etc/default/api" in text
    assert f"LEFT={HIDDEN}\nHOME=/root\nand 1 as above" in text
