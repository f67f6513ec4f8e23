"""The releases of a directory: their history, and what is no history."""

import subprocess
from pathlib import Path

import pytest

from console.core.probe import ParseError
from console.core.release import ReleaseBook
from console.probes.releases import PROBE, parse
from tests.probes.asking import SHELLS

TOLD = """now 1000
current b
release 100 a
release 200 b
release 300 c
event 90 built a ann@bastion v1.0.0 aaa 12
event 100 live a ann@bastion v1.0.0 aaa -
event 110 healthy a ann@bastion v1.0.0 aaa -
event 300 built c bob%20x v1.2.0 ccc 15
event 310 live c bob%20x v1.2.0 ccc -
event 320 failed c bob%20x v1.2.0 ccc -
event 330 live a bob%20x - - -
event 400 live b ann v1.1.0 bbb -
event 410 live gone ann - - -
event 500 live b ann v1.1.0 bbb -
event rubbish
event 99999999999999999999 live a x - - -
commit 0123456789
version v1.2.0-3-g012
branch main
log 900 Mend the thing: again
changed  M api.py
changed ?? new.txt"""


def test_a_history_is_read() -> None:
    book = parse(TOLD)
    found = {release.id: release for release in book.releases}
    assert [release.id for release in book.releases] == ["c", "b", "a", "gone"]
    assert (found["b"].live, found["b"].live_since, found["b"].live_seconds) == (True, 500.0, 10.0 + 500.0)
    assert (found["a"].live_since, found["a"].live_seconds, found["a"].healthy) == (330.0, 210.0 + 70.0, True)
    assert (found["c"].healthy, found["c"].by, found["c"].version, found["c"].built) == (
        False,
        "bob x",
        "v1.2.0",
        300.0,
    )
    assert (found["gone"].present, found["b"].healthy) == (False, None)
    assert (book.now, book.last_build) == (1000.0, 15.0)
    assert book.source is not None
    assert (book.source.commit, book.source.subject, book.source.at) == ("0123456789", "Mend the thing: again", 900.0)
    assert book.source.changed == ("api.py", "new.txt")


def test_what_has_no_time_is_no_answer() -> None:
    with pytest.raises(ParseError):
        parse("release 1 a")


def look(shell: str, *words: str) -> ReleaseBook:
    script = f'f() {{\n{PROBE.script}\n}}\nf "$@"'
    done = subprocess.run([*shell.split(), "-c", script, "sh", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(done.stderr)
    return parse(done.stdout.rstrip("\n"))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("text", ["releases/two/", "releases/two//"])
def test_a_link_that_ends_in_a_slash_names_the_live_release(shell: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "releases/two").mkdir(parents=True)
    subprocess.run(["ln", "-s", text, str(tmp_path / "current")], check=True)
    assert [(release.id, release.live) for release in look(shell, str(tmp_path), "", "").releases] == [("two", True)]


@pytest.mark.parametrize("shell", SHELLS)
def test_where_the_link_leads_is_no_line_of_the_answer(shell: str, tmp_path: Path) -> None:
    (tmp_path / "releases/two").mkdir(parents=True)
    (tmp_path / "current").symlink_to("x\nrelease 1 ..")
    assert [(release.id, release.live) for release in look(shell, str(tmp_path), "", "").releases] == [("two", False)]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_directory_and_a_work_tree_are_looked_at(shell: str, tmp_path: Path) -> None:
    for name in ("one", "two", "half.partial", "a b", "$(touch x)"):
        (tmp_path / "releases" / name).mkdir(parents=True)
    (tmp_path / "current").symlink_to("releases/two")
    source = tmp_path / "src"
    git = ["git", "-C", str(source), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q", str(source)], check=True)
    (source / "x").write_text("x")
    hook = tmp_path / "hooked"
    subprocess.run([*git, "config", "core.fsmonitor", f"touch {hook}"], check=True)
    book = look(shell, str(tmp_path), str(source))
    assert book.source is not None
    assert (book.source.commit, book.source.why) == (None, f"{source} is no work tree of git")
    subprocess.run([*git, "-c", "core.fsmonitor=", "add", "x"], check=True)
    subprocess.run([*git, "-c", "core.fsmonitor=", "commit", "-qm", "first\n\nmore"], check=True)
    (source / "y").write_text("y")
    hook.unlink(missing_ok=True)
    book = look(shell, str(tmp_path), str(source))
    assert {release.id: release.live for release in book.releases} == {"one": False, "two": True}
    assert book.source is not None
    assert (len(book.source.commit or ""), book.source.subject, book.source.changed) == (40, "first", ("y",))
    assert not hook.exists()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["current", "releases", "src"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_directory_that_is_not_there_is_told(shell: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="/releases is not there, or may not be read"):
        look(shell, str(tmp_path), "")
