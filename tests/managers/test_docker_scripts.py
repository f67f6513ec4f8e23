"""The scripts about containers, in every shell, with tools of our own in front."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from console.managers import container_difference, container_scripts
from tests.managers.tools import Tools, every_shell


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(tmp_path)


@every_shell
@pytest.mark.parametrize(
    ("words", "asks"),
    [
        (("docker",), False),
        (("docker", "-H", "unix:///run/docker.sock"), False),
        (("docker", "-H", "unix:///var/run/docker.sock"), False),
        (("docker", "-H", "unix:///run/user/1001/docker.sock"), True),
        (("podman", "--url", "unix:///run/podman/podman.sock"), True),
    ],
)
def test_no_look_connects_to_an_engine_that_is_being_stopped(
    tools: Tools, shell: list[str], words: tuple[str, ...], asks: bool
) -> None:
    tools.add("systemctl", "echo deactivating")
    tools.add("docker", "echo web Up 3 minutes")
    tools.add("podman", "echo web Up 3 minutes")
    done = tools.run(shell, container_scripts.RUNNING, "", "web", *words)
    assert (done.returncode == 0, any(line.startswith(words[0]) for line in tools.called)) == (asks, asks)
    assert asks or "dockerd does not run" in done.stdout


@every_shell
def test_which_image_runs_is_seen_of_each_container(tools: Tools, shell: list[str]) -> None:
    old, new = (f"sha256:{letter * 64}" for letter in "ab")
    for second, wanted, says, code in (
        (new, "b" * 12, "b" * 12, 0),
        (new, "shop_api:20261120T140211Z", "b" * 12, 0),
        (old, "b" * 12, f"shop_api_2 runs {'a' * 12}, not {'b' * 12}", 1),
        (old, "shop_api:20261120T140211Z", f"shop_api_2 runs {'a' * 12}, not {'b' * 12}", 1),
        (new, "shop_api:gone", "No such image: shop_api:gone", 1),
    ):
        tools.add(
            "docker",
            f"""case "$*" in
  ps*) echo shop_api_1 Up 3 minutes; echo shop_api_2 Up 3 minutes ;;
  *gone) echo; echo 'Error: No such image: shop_api:gone' >&2; exit 1 ;;
  image*) echo {new} ;;
  *shop_api_1) echo {new} ;;
  *) echo {second} ;;
esac""",
        )
        tools.add("systemctl", "echo active")
        done = tools.run(shell, container_scripts.RUNS_IMAGE, wanted, "shop", "api", "docker")
        assert (done.returncode, says in done.stdout) == (code, True), done


def test_what_whoever_made_an_image_chose_is_told_in_one_line() -> None:
    printed = re.findall(r"\{\{(?!range|with|end)(.*?)\}\}", container_difference.DIFFERENCE.script)
    assert [action for action in printed if not action.startswith("json ")] == [".Size"]
