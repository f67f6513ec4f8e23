"""Whether the files of a project say what a container was made by, in every shell, with tools of our own in front."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.core.service import Service, ServiceRef, State
from console.managers import compose_files
from tests.managers.tools import Tools, every_shell

ONE, OTHER = "a1" * 32, "b2" * 32
SERVICE = Service(
    ServiceRef("web1", "compose", "podman/shop/api"), State.RUNNING, "running",
    tool=("docker", "-H", "unix:///srv/x.sock"), file_tool=("docker-compose", "-p", "shop"), members=("shop_api_1",),
)  # fmt: skip
WORDS = compose_files.same(SERVICE).command.argv[4:]


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(tmp_path)


@every_shell
@pytest.mark.parametrize(
    ("made", "now", "told"),
    [
        (f"echo {ONE}", f"echo api {ONE}", f"same {ONE}"),
        (f"echo {ONE}; echo {ONE}", f"echo noise >&2; echo api {ONE}", f"same {ONE}"),
        (f"echo {ONE}", f"echo api {OTHER}", "differ"),
        (f"echo {ONE}; echo {OTHER}", f"echo api {ONE}", "differ"),
        ("echo", f"echo api {ONE}", "unknown no container of api tells what it was made by"),
        ("echo '<no value>'", f"echo api {ONE}", "unknown no container of api tells what it was made by"),
        (f"echo {ONE}", "echo version; echo no such option >&2; exit 1", "unknown no such option"),
        (f"echo {ONE}", "echo services:", "unknown this Compose does not tell the hash of api"),
        ("echo permission denied >&2; exit 1", f"echo api {ONE}", "unknown permission denied"),
    ],
)
def test_both_hashes_are_compared(tools: Tools, shell: list[str], made: str, now: str, told: str) -> None:
    tools.add("docker", made)
    tools.add("docker-compose", now)
    done = tools.run(shell, f'{compose_files.COMPARE}\nhd_files "$@"', *WORDS)
    assert (done.returncode, done.stdout) == (0, f"{told}\n"), done
    assert tools.called[0].startswith(
        "docker -H unix:///srv/x.sock ps -a --filter label=com.docker.compose.project=shop"
    )
    assert set(tools.called[1:]) <= {"docker-compose -p shop config --hash api"}


@every_shell
def test_a_file_that_changes_while_it_is_done_is_no_return(tools: Tools, shell: list[str]) -> None:
    plan = f"HOSTDECK_PLAN={tools.folder}\n"
    tools.add("docker", f"echo {ONE}")
    tools.add("docker-compose", f"echo api {OTHER}")
    done = tools.run(shell, plan + compose_files.SAME, *WORDS)
    assert (done.returncode, "the files of the project have changed by now" in done.stdout) == (1, True), done
    tools.add("docker-compose", f"echo api {ONE}")
    assert tools.run(shell, plan + compose_files.SAME, *WORDS).returncode == 0
    assert tools.run(shell, plan + compose_files.AS_BEFORE, *WORDS).stdout == "made as before\n"
    tools.add("docker", f"echo {OTHER}")
    done = tools.run(shell, plan + compose_files.AS_BEFORE, *WORDS)
    assert (done.returncode, "api is made again by what they say now" in done.stdout) == (1, True), done
