"""What is done with images, in every shell, with an engine of our own in front."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.managers import container_release_scripts as scripts
from tests.managers.tools import Tools, every_shell

LISTED = """20261124T140211Z-aaaaaaaaa 111111111111
20261123T140211Z-bbbbbbbbb 222222222222
was-333333333333 333333333333
20261121T140211Z 444444444444
1.4 555555555555
latest 555555555555
20261120T140211Z-ccccccccc 666666666666
mine-20261120T140211Z 777777777777"""
CONFIG = """services:
  api:
    build: /srv/api
    environment:
      TOKEN: hunter2hunter2
  other:
    image: api
    labels:
      build: 'yes'
volumes:
  other:
    build: x
version: '2.4'"""

HELP_1 = (Path(__file__).parent / "recorded" / "compose-1.29.2-up.help").read_text()
# Of Compose 2.27, as its sources have it: nobody has run it here.
HELP_2 = """      --no-start                     Don't start the services after creating them
      --pull string                  Pull image before running ("always"|"missing"|"never") (default "policy")
      --quiet-pull                   Pull without printing progress information"""


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(tmp_path)


@every_shell
def test_only_old_images_that_were_made_from_here_are_removed(tools: Tools, shell: list[str]) -> None:
    tools.add("docker", f"case $2 in ls) cat <<END\n{LISTED}\nEND\nesac")
    going = "111111111111 333333333333 444444444444 555555555555 666666666666 777777777777"
    done = tools.run(shell, scripts.PRUNE, "api", "20261124T140211Z-aaaaaaaaa", "333333333333", going, "", "docker")
    assert done.stdout.splitlines() == ["removed api:20261121T140211Z", "removed api:20261120T140211Z-ccccccccc"]
    removed = [line for line in tools.called if "image rm" in line]
    assert removed == ["docker image rm api:20261121T140211Z", "docker image rm api:20261120T140211Z-ccccccccc"]


@every_shell
@pytest.mark.parametrize(
    ("made", "removed"), [(0, ["20261121T140211Z", "20261124T140211Z-aaaaaaaaa"]), (1, ["20261121T140211Z"])]
)
def test_once_it_was_undone_images_that_failed_are_removed_and_less_where_none_was_made(
    tools: Tools, shell: list[str], made: int, removed: list[str]
) -> None:
    tools.add("docker", f"case $2 in inspect) exit {made} ;; ls) cat <<END\n{LISTED}\nEND\nesac")
    coming, script = "20261124T140211Z-aaaaaaaaa", f"HOSTDECK_UNDONE=1\n{scripts.PRUNE}"
    tools.run(shell, script, "api", coming, "333333333333", "555555555555", f"444444444444 {coming}", "docker")
    assert sorted(line.rpartition(":")[2] for line in tools.called if "image rm" in line) == removed


@every_shell
def test_a_tag_that_was_moved_is_no_way_back(tools: Tools, shell: list[str]) -> None:
    live, other = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
    for tagged, runs, says, code in (
        (live, live, f"web runs {'a' * 12}", 0),
        (other, live, "api is another image by now", 1),
        ("", live, "no image is called api", 1),
        (other, other, f"by now, not {'a' * 12}: somebody changed it", 1),
    ):
        tools.add("docker", f"case $1 in image) echo {tagged} ;; *) echo {runs} ;; esac")
        done = tools.run(shell, scripts.SAME, "web", "a" * 12, "api", "docker")
        assert (done.returncode, says in done.stdout) == (code, True), done


@every_shell
def test_whether_a_file_says_how_a_service_is_built(tools: Tools, shell: list[str]) -> None:
    tools.add("docker-compose", f"cat <<'END'\n{CONFIG}\nEND")
    for name, code in (("api", 0), ("other", 1), ("none", 1)):
        done = tools.run(shell, scripts.DECLARES_BUILD, name, "docker-compose", "-p", "shop")
        assert done.returncode == code, done
        assert "hunter2" not in done.stdout + done.stderr
    tools.add("docker-compose", "echo 'invalid file' >&2; exit 1")
    done = tools.run(shell, scripts.DECLARES_BUILD, "api", "docker-compose", "-p", "shop")
    assert (done.returncode, done.stdout) == (1, "invalid file\n")


@every_shell
def test_a_full_disk_is_found_before(tools: Tools, shell: list[str]) -> None:
    tools.add("docker", "case $1 in info) echo / ;; *) echo 90071992547409920 ;; esac")
    done = tools.run(shell, scripts.SPACE, "a" * 12, "docker")
    assert (done.returncode, "MiB left, an image takes" in done.stdout) == (1, True), done
    tools.add("docker", "case $1 in info) echo / ;; *) echo 1024 ;; esac")
    assert tools.run(shell, scripts.SPACE, "a" * 12, "docker").returncode == 0


@every_shell
def test_no_image_is_fetched_in_the_place_of_the_one_that_is_to_run(tools: Tools, shell: list[str]) -> None:
    wordless = "sudo: a password is required"
    for tool, help_text, assumed, pull in (
        (("docker-compose",), HELP_1, "", ""),
        (("docker-compose",), HELP_2, "", " --pull never"),
        (("docker", "compose"), HELP_2, "never", " --pull never"),
        (("docker", "compose"), wordless, "never", " --pull never"),
        (("docker-compose",), wordless, "", ""),
    ):
        tools.add(tool[0], f"case $* in *--help) cat <<'END'\n{help_text}\nEND\nesac")
        count = str(len(tool) + 3)
        done = tools.run(shell, scripts.UP, assumed, count, *tool, "-p", "up", "up", "-d", "--no-deps", "api")
        assert done.returncode == 0, done
        asked, ran = tools.called[-2:]
        assert asked == f"{' '.join(tool)} -p up up --help"
        assert ran == f"{' '.join(tool)} -p up up -d --no-deps api{pull}"
