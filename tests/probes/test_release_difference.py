"""Two releases of a directory are compared by every shell, and nothing of their files is told but what may be."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from console.core.difference import Difference, Gap, How, Subject
from console.core.difference_words import lines
from console.probes.release_difference import COMING, PROBE
from tests.probes.asking import HERE, SHELLS, RefusedError

LIVE = """LOG=debug
DB_PASSWORD=hunter2
export NAME="a b"
KEY_FILE='first
SECOND=1
third'
SHAPE=abcdefghijklmnopqrstuv123
-----BEGIN PRIVATE KEY-----
MIIEabc==
-----END PRIVATE KEY-----
SAME=1
"""
TARGET = """LOG=info
DB_PASSWORD=hunter3
export NAME="a c"
KEY_FILE='first
SECOND=2
third'
SHAPE=abcdefghijklmnopqrstuv124
GONE=ok
SAME=1
"""


def release(folder: Path, mine: str, env: str) -> Path:
    (folder / "sub").mkdir(parents=True)
    (folder / "same").write_text("same")
    (folder / "one size").write_text(mine)
    (folder / f"only-{mine}").write_text("x")
    (folder / "link").symlink_to(f"/srv/{mine}")
    (folder / "kept").symlink_to("same")
    (folder / ".env").write_text(env)
    (folder / "*$(touch x);").write_text("x")
    os.mkfifo(folder / "sub" / "fifo")
    return folder


def look(shell: str, base: Path, *words: str) -> Difference:
    return HERE.ask(PROBE, str(base), "b", "a", *(words or ("", "", "")), shell=shell)


@pytest.mark.parametrize("shell", SHELLS)
def test_files_links_and_variables_are_compared(shell: str, tmp_path: Path) -> None:
    release(tmp_path / "releases" / "b", "b", LIVE)
    release(tmp_path / "releases" / "a", "a", TARGET)
    assert lines(look(shell, tmp_path)) == (
        ("files", "removed only-b"),
        ("", "added only-a"),
        ("", "changed .env"),
        ("", "changed link"),
        ("", "changed one size"),
        ("variables", "added .env: GONE: ok"),
        ("", "changed .env: DB_PASSWORD"),
        ("", "changed .env: KEY_FILE"),
        ("", "changed .env: LOG: debug -> info"),
        ("", "changed .env: NAME: a b -> a c"),
        ("", "changed .env: SHAPE"),
    )
    sent = HERE.output(PROBE, str(tmp_path), "b", "a", "", "", "", shell=shell)
    assert not any(word in sent for word in ("hunter", "MIIE", "SECOND", "third", "abcdef"))
    assert look(shell, tmp_path).gaps == ()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_quote_inside_of_a_value_does_not_cut_it(shell: str, tmp_path: Path) -> None:
    for name, word in (("b", "hi"), ("a", "ho")):
        (tmp_path / "releases" / name).mkdir(parents=True)
        text = f"""ESCAPED="say \\"{word}\\" now"  # said
PARTS='it'"'"'s {word}'
LONG="first
second \\" {word}
third"
HOOK=https://hooks.slack.com/services/T0/B0/{word}
AFTER={word}
"""
        (tmp_path / "releases" / name / ".env").write_text(text)
    assert lines(look(shell, tmp_path)) == (
        ("files", "changed .env"),
        ("variables", "changed .env: AFTER: hi -> ho"),
        ("", 'changed .env: ESCAPED: say \\"hi\\" now -> say \\"ho\\" now'),
        ("", "changed .env: HOOK"),
        ("", "changed .env: LONG"),
        ("", """changed .env: PARTS: 'it'"'"'s hi' -> 'it'"'"'s ho'"""),
    )
    assert "hooks.slack.com" not in HERE.output(PROBE, str(tmp_path), "b", "a", "", "", "", shell=shell)


@pytest.mark.parametrize("shell", SHELLS)
def test_rights_of_files_are_compared(shell: str, tmp_path: Path) -> None:
    for name in ("b", "a"):
        folder = tmp_path / "releases" / name
        folder.mkdir(parents=True)
        for file in ("run", "two words", "same", "umask", "set"):
            (folder / file).write_text(name if file == "two words" else "x")
            (folder / file).chmod(0o755 if file == "run" and name == "b" else 0o644)
    (folder / "umask").chmod(0o664)
    (folder / "two words").chmod(0o700)
    (folder / "set").chmod(0o4755)
    assert lines(look(shell, tmp_path)) == (
        ("files", "changed run: executable -> not executable"),
        ("", "changed set: not executable -> mode 4755"),
        ("", "changed two words: not executable -> executable"),
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("shell", SHELLS)
def test_owners_of_files_are_compared(shell: str, tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / "releases" / name).mkdir(parents=True)
        for number in range(25):
            (tmp_path / "releases" / name / f"f{number}").write_text("x")
    for number in range(24):
        os.chown(tmp_path / "releases" / "a" / f"f{number}", 7, 7)
    os.chown(tmp_path / "releases" / "a" / "f24", 0, 7)
    (tmp_path / "releases" / "a" / "f24").chmod(0o755)
    found = lines(look(shell, tmp_path))
    assert found == (
        ("files", "changed f24: not executable, owner 0:0 -> executable, owner 0:7"),
        ("facts", "24 files have another owner: 0:0 -> 7:7"),
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_variables_behind_a_link_are_not_told_as_removed(shell: str, tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / "releases" / name).mkdir(parents=True)
    (tmp_path / "shared").write_text("LOG=debug\n")
    (tmp_path / "releases" / "b" / ".env").write_text("LOG=debug\n")
    (tmp_path / "releases" / "a" / ".env").symlink_to("../../shared")
    found = look(shell, tmp_path)
    assert [one for one in found.changes if one.subject is Subject.VARIABLE] == []
    why = f"in {tmp_path}/releases/a it is a link to ../../shared, which is not followed"
    assert found.gaps == (Gap("variables of .env", why),)


@pytest.mark.parametrize("shell", SHELLS)
def test_of_many_files_the_first_are_told_and_a_name_that_no_line_can_have_is_a_gap(shell: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "releases" / name).mkdir(parents=True)
    for number in range(75):
        (tmp_path / "releases" / "a" / f"f{number:02}").write_text("x")
    (tmp_path / "releases" / "a" / "two\nlines").write_text("x")
    found = look(shell, tmp_path)
    assert (len(found.changes), found.count(Subject.FILE, How.ADDED)) == (60, 75)
    assert found.gaps == (Gap("files", "names with a line break were passed over"),)


@pytest.mark.parametrize("shell", SHELLS)
def test_commits_are_told_where_the_work_tree_knows_both_and_no_program_of_it_is_run(
    shell: str, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / "releases" / name).mkdir(parents=True)
    source = tmp_path / "src"
    git = ["git", "-C", str(source), "-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.fsmonitor="]
    subprocess.run(["git", "init", "-q", str(source)], check=True)
    heads = []
    for number in range(3):
        (source / f"f{number}").write_text("x")
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-qm", f"step {number}:\tit\n\nmore"], check=True)
        heads.append(subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout)
    first, _, last = (head.strip() for head in heads)
    hook = tmp_path / "ran"
    for key in ("core.fsmonitor", "gpg.program", "core.pager", "diff.external"):
        subprocess.run([*git, "config", key, f"touch {hook};"], check=True)
    subprocess.run([*git, "config", "log.showSignature", "true"], check=True)

    found = look(shell, tmp_path, str(source), last, first)
    assert [one.partition(" ")[2] for one in found.lost] == ["step 2: it", "step 1: it"]
    assert found.gained == ()
    found = look(shell, tmp_path, str(source), first, "0" * 40)
    assert found.gaps == (Gap("commits", f"{source} knows no commit 000000000000"),)
    found = look(shell, tmp_path, str(source), first, "")
    assert found.gaps == (Gap("commits", "nobody noted the commits of both releases"),)

    coming = HERE.ask(COMING, str(source), first, last, shell=shell)
    assert [one.partition(" ")[2] for one in coming.gained] == ["step 2: it", "step 1: it"]
    assert [one.name for one in coming.of(Subject.FILE, How.ADDED)] == ["f1", "f2"]
    assert not hook.exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_release_that_is_not_there_is_told(shell: str, tmp_path: Path) -> None:
    (tmp_path / "releases" / "b").mkdir(parents=True)
    with pytest.raises(RefusedError, match=r"release a is not in .*/releases, or may not be read"):
        look(shell, tmp_path)
