"""What is done with releases in a directory, in every shell."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from console.actions import release_scripts as scripts
from console.core.plan import FAULT_FOUND
from console.core.release import Release
from console.core.release_history import read, told
from tests.managers.tools import Tools, every_shell

WHO = ("ann", "-", "-")


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    for name in ("v1", "v2", "v3"):
        (tmp_path / "releases" / name).mkdir(parents=True)
    return Tools(tmp_path)


def current(tools: Tools) -> str | None:
    path = tools.folder / "current"
    return str(path.readlink()) if path.is_symlink() else None


@every_shell
@pytest.mark.parametrize("text", ["releases/v1", "releases/v1/", "releases/v1//", "{here}/releases/v1/"])
def test_a_link_is_put_back_as_it_was(tools: Tools, shell: list[str], text: str) -> None:
    text, here = text.format(here=tools.folder), str(tools.folder)
    tools.run(shell, 'ln -s -- "$1" current', text)
    kept = tools.run(shell, "readlink current").stdout
    assert tools.run(shell, scripts.READY, here, "v1").stdout == "v1 is live\n"
    assert tools.run(shell, scripts.SWITCH, here, "v2", "v1", *WHO).stdout == "v1 -> v2\n"
    assert current(tools) == "releases/v2"
    assert tools.run(shell, scripts.SWITCH_BACK, here, "v2", "v1", *WHO).stdout == "v2 -> v1\n"
    assert tools.run(shell, "readlink current").stdout == kept == f"{text}\n"
    assert not (tools.folder / ".current.was").is_symlink()


@every_shell
def test_what_was_made_live_by_hand_is_noted_before_it_is_replaced(tools: Tools, shell: list[str]) -> None:
    """Else a roll back after the first rebuild would know no release that was ever live."""
    here, history = str(tools.folder), tools.folder / "releases" / "history"
    (tools.folder / "current").symlink_to("releases/v1")
    since = int((tools.folder / "current").lstat().st_mtime)
    assert tools.run(shell, scripts.SWITCH, here, "v2", "v1", *WHO).returncode == 0
    first, second = history.read_text().splitlines()
    assert first == f"{since} live v1 - - - -"
    assert second.split(" ", 1)[1] == "live v2 ann - - -"
    assert tools.run(shell, scripts.SWITCH, here, "v3", "v2", *WHO).returncode == 0
    assert [line.split()[2] for line in history.read_text().splitlines()] == ["v1", "v2", "v3"]


@every_shell
@pytest.mark.parametrize("text", ["/", "//", ".", ".."])
def test_a_link_that_names_no_release_is_left_alone(tools: Tools, shell: list[str], text: str) -> None:
    here = str(tools.folder)
    tools.run(shell, 'ln -s -- "$1" current', text)
    for script, words in (
        (scripts.READY, ("",)),
        (scripts.SWITCH, ("v2", "", *WHO)),
        (scripts.SWITCH_BACK, ("v2", "", *WHO)),
    ):
        done = tools.run(shell, script, here, *words)
        assert (done.returncode, "which names no release" in done.stderr) == (1, True), done
        assert tools.run(shell, "readlink current").stdout == f"{text}\n"


@every_shell
def test_the_first_release_is_taken_back_to_nothing(tools: Tools, shell: list[str]) -> None:
    here = str(tools.folder)
    (tools.folder / ".current.was").symlink_to("releases/v3")
    assert tools.run(shell, scripts.SWITCH, here, "v1", "", *WHO).stdout == "nothing -> v1\n"
    assert tools.run(shell, scripts.SWITCH_BACK, here, "v1", "", *WHO).stdout == "v1 -> nothing\n"
    assert current(tools) is None


@every_shell
def test_only_the_releases_that_are_named_are_removed_and_never_the_live_one(tools: Tools, shell: list[str]) -> None:
    tools.run(shell, "ln -s releases/v1/ current; mkdir releases/v4 releases/v5.partial aside")
    names = "v1 v2 v3 gone ../aside . .. * v5.partial"
    done = tools.run(shell, scripts.PRUNE, str(tools.folder), "v2", "v4", names, "v4")
    assert (done.returncode, done.stdout) == (0, "removed v3\n"), done
    assert sorted(one.name for one in (tools.folder / "releases").iterdir()) == ["v1", "v2", "v4", "v5.partial"]
    assert (tools.folder / "aside").is_dir()


@every_shell
@pytest.mark.parametrize(("made", "removed"), [("v4", "removed v3\nremoved v4\n"), ("", "removed v3\n")])
def test_once_it_was_undone_what_failed_is_removed_and_less_where_nothing_was_made(
    tools: Tools, shell: list[str], made: str, removed: str
) -> None:
    tools.run(shell, f"ln -s releases/v1 current; mkdir -p releases/v3 releases/{made}")
    done = tools.run(shell, f"HOSTDECK_UNDONE=1\n{scripts.PRUNE}", str(tools.folder), "v1", "v4", "v2", "v1 v3 v4")
    assert (done.returncode, done.stdout) == (0, removed), done
    assert (tools.folder / "releases" / "v2").is_dir(), "it would only have gone for one that is well"


@every_shell
def test_a_work_tree_that_moved_while_it_was_built_makes_no_release(tools: Tools, shell: list[str]) -> None:
    source = tools.folder / "src"
    git = "git -C src -c user.name=a -c user.email=a@b"
    tools.run(shell, f"git init -q src && echo 1 >src/one && {git} add . && {git} commit -qm one")
    commit = tools.run(shell, f"{git} rev-parse HEAD").stdout.strip()
    words = (str(tools.folder), str(source), ".", "v4", "ann", "-", commit, "now", "sh", "-c")
    assert tools.run(shell, scripts.STAYED, str(source), commit).returncode == 0
    build = "echo 2 >one; git -c user.name=a -c user.email=a@b commit -qam two"
    done = tools.run(shell, scripts.BUILD, *words, build)
    assert (done.returncode, f"by now, not at {commit}" in done.stderr) == (FAULT_FOUND, True), done
    assert not (tools.folder / "releases/v4").exists()
    done = tools.run(shell, scripts.STAYED, str(source), commit)
    assert (done.returncode, f"by now, not at {commit}" in done.stdout) == (1, True), done
    tools.run(shell, f"{git} checkout -q {commit}")
    assert tools.run(shell, scripts.BUILD, *words, "echo 3 >new").stdout == "built v4\n"


@every_shell
def test_what_was_built_while_files_changed_is_noted_as_that(tools: Tools, shell: list[str]) -> None:
    source = tools.folder / "src"
    git = "git -C src -c user.name=a -c user.email=a@b"
    tools.run(shell, f"git init -q src && echo 1 >src/one && {git} add . && {git} commit -qm one")
    commit = tools.run(shell, f"{git} rev-parse HEAD").stdout.strip()
    words = (str(tools.folder), str(source), ".", "v4", "ann", "v4.0", commit, "now", "sh", "-c")
    done = tools.run(shell, scripts.BUILD, *words, "echo 3 >one")
    assert done.stdout == "files changed while it was built, so that it is noted as v4.0+dirty:  M one\nbuilt v4\n"
    lines = (tools.folder / "releases/history").read_text().splitlines()
    events = read([*lines, f"1 live v4 ann v4.0 {commit} -"])
    assert told(Release("v4"), events, 9.0).version == "v4.0+dirty"
    done = tools.run(shell, scripts.STAYED, str(source), commit)
    assert (done.returncode, "files changed while it was built" in done.stdout) == (1, True), done


BUSYBOX = shutil.which("busybox")
no_applets = pytest.mark.parametrize("shell", [["dash"], ["bash", "--posix"]], ids=["dash", "bash"])
"""Shells that find their tools in PATH: that of busybox has its own."""


@pytest.mark.skipif(BUSYBOX is None, reason="this machine has no busybox")
@no_applets
def test_with_the_tools_of_busybox_there_is_a_link_at_every_moment(tools: Tools, shell: list[str]) -> None:
    """Row 52: its ``ln -sfn`` is no one stroke; every change of the link is a rename over it."""
    for name in ("mv", "ln", "rm", "readlink", "stat", "date", "grep", "id", "ls"):
        (tools.folder / name).symlink_to(BUSYBOX or "")
    (tools.folder / "mv").unlink()
    tools.add("mv", f'[ -h current ] || echo no link there >>{tools.folder}/missed\nexec {BUSYBOX} mv "$@"')
    (tools.folder / "rm").unlink()
    tools.add("rm", f'case "$*" in *"/current") echo removed >>{tools.folder}/missed ;; esac\nexec {BUSYBOX} rm "$@"')
    here = str(tools.folder)
    (tools.folder / "current").symlink_to("releases/v1")
    assert tools.run(shell, scripts.READY, here, "v1").stdout == "v1 is live\n"
    assert tools.run(shell, scripts.SWITCH, here, "v2", "v1", *WHO).stdout == "v1 -> v2\n"
    assert tools.run(shell, scripts.SWITCH_BACK, here, "v2", "v1", *WHO).stdout == "v2 -> v1\n"
    assert current(tools) == "releases/v1"
    assert not (tools.folder / "missed").exists()
    assert [line.split()[1] for line in tools.called if line.startswith("mv ")] == ["-T"] * 3


@no_applets
def test_a_mv_that_cannot_replace_a_link_is_found_before(tools: Tools, shell: list[str]) -> None:
    """Row 52."""
    (tools.folder / "current").symlink_to("releases/v1")
    tools.add("mv", "echo 'mv: invalid option -- T' >&2; exit 1")
    done = tools.run(shell, scripts.READY, str(tools.folder), "v1")
    assert (done.returncode, "in one stroke (no -T)" in done.stdout) == (1, True), done
    assert current(tools) == "releases/v1"
    assert not list(tools.folder.glob(".hostdeck.*"))
