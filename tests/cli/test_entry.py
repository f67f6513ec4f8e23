"""What a person gets for what is typed, before any host is asked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.cli import run
from console.cli.entry import positional
from console.cli.words import ssh_aliases

HEAVY = ("asyncssh", "textual", "pydantic", "docker", "requests", "rich", "shtab", "platformdirs")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, without configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.delenv("HOSTDECK_CONFIG", raising=False)
    return tmp_path


def failed(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 2) -> str:
    """Standard error of a command line that ends with that code and prints nothing else."""
    assert run(list(argv)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["why", "--help"], ["config", "path", "--help"]])
def test_help_and_version_load_nothing_heavy(argv: list[str]) -> None:
    code = (
        "import sys\nfrom console.cli import run\n"
        f"code = run({argv!r})\n"
        f"print(code, sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stderr.strip() == "0 []"
    assert "hostdeck" in done.stdout


def test_a_mistyped_command_is_not_taken_for_a_host(capsys: pytest.CaptureFixture[str]) -> None:
    assert failed(capsys, "staus").startswith(
        "hostdeck: 'staus' is no command and no known host; did you mean 'status'?"
    )


def test_a_host_of_the_ssh_configuration_may_look_like_a_command(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".ssh").mkdir()
    (home / ".ssh" / "config").write_text("Include more/*\n")
    (home / ".ssh" / "more").mkdir()
    (home / ".ssh" / "more" / "a").write_text("Host staus *.example !x\n  Port 22\nHOST=other\n")
    assert list(ssh_aliases(home / ".ssh" / "config")) == ["staus", "other"]
    assert "needs a terminal" in failed(capsys, "staus")


@pytest.mark.parametrize("word", ["web1", "deploy@web1:2222", "ssh://web1", "10.0.0.1"])
def test_the_console_refuses_without_a_terminal(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert failed(capsys, word) == (
        "hostdeck: the console needs a terminal; scripts take `hostdeck status --json` or `hostdeck why`\n"
    )


@pytest.mark.parametrize("word", ["a;b", "$(x)", "a b", "\x1b[2Jx", "a\nb"])
def test_what_is_no_host_is_said_so_in_one_clean_line(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = failed(capsys, word).removesuffix("\n")
    assert "is neither a command nor a host" in line
    assert line.isprintable()


def test_a_service_without_a_command_is_shown_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert "try `hostdeck why web1/api`" in failed(capsys, "web1/api")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["why", "web1:0"], "web1:0: there is no port 0: expected a number from 1 to 65535"),
        (["why", ":70000"], ":70000: there is no port 70000"),
        (["why", "web1:"], "'web1:' names a host only: expected web1:PORT, web1/SERVICE or, without a host, /web1"),
        (["why", "web1:-5"], "web1:-5: '-5' is no port: expected a number from 1 to 65535"),
        (["restart", "web1", "-n"], "'web1' names a host only: expected web1/SERVICE or, without a host, /web1"),
        (["why", "web1"], "'web1' names a host only: expected web1:PORT, web1/SERVICE or, without a host, /web1"),
        (["logs", "web1:80"], "'web1:80' names a port: expected HOST/SERVICE"),
        (["restart", "web1/api"], "restart changes a host: give --yes (or --dry-run)"),
        (["logs", "web1/a", "--since", "yesterday"], "'yesterday' is no span"),
        (["logs", "web1/a", "--grep", "("], "is no regular expression"),
        (["status", "a;b"], "'a;b' is no host"),
        (["ports", "-F", "/nonexistent", "web1"], "--ssh-config /nonexistent: no such file or directory"),
        (["status", "--config", "/nonexistent"], "/nonexistent: there is no such file (--config)"),
        (["status", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["--theme"], "expected one argument"),
    ],
)
def test_wrong_input_is_named_and_ends_with_2(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: SIM115, PTH123
    assert said in failed(capsys, *argv)


def test_every_mistake_of_the_configuration_is_told_with_its_place(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home / "c.toml"
    path.write_text('read_only = 1\n[[hosts]]\nname = "a"\n[[hosts]]\nname = "a"\n')
    lines = failed(capsys, "status", "--config", str(path)).splitlines()
    assert [line.split(" ")[0] for line in lines] == [f"{path}:1:", f"{path}:5:"]


def test_config_commands(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{home}/.config/hostdeck/config.toml\n"
    assert run(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Hostdeck configuration"
    assert run(["config", "example"]) == 0
    (home / "c.toml").write_text(capsys.readouterr().out)
    assert run(["config", "check", str(home / "c.toml")]) == 0
    assert capsys.readouterr().out == f"{home}/c.toml: fine, 3 hosts, 2 services\n"
    assert run(["config", "check"]) == 0
    assert "the defaults hold" in capsys.readouterr().err
    assert f"{home}: is a directory" in failed(capsys, "config", "check", str(home))


@pytest.mark.parametrize("name", ["bash", "zsh", "tcsh"])
def test_completions_know_every_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completions", name]) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("status", "restart", "doctor", "--ssh-config"))


def test_bash_accepts_the_completions_and_completes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".ssh").mkdir()
    (home / ".ssh" / "config").write_text("Host web1 web2 *.x\n")
    assert run(["completions", "bash"]) == 0
    script = capsys.readouterr().out + "\n_hostdeck_hosts we\n"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, timeout=20)
    assert done.stdout.split() == ["web1", "web2"], done.stderr


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("-F x web1", [2]),
        ("--config x status web1", [2, 3]),
        ("--config=x status", [1]),
        ("-Fx --read-only web1", [2]),
        ("--theme t", []),
        ("-- -x", [1]),
    ],
)
def test_the_first_word_is_found_behind_options(argv: str, words: list[int]) -> None:
    assert positional(argv.split()) == words


def test_a_closed_pipe_is_no_traceback() -> None:
    command = f"{sys.executable} -m console config schema | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, timeout=30)
    assert done.stderr == ""
    assert done.stdout.strip() in {"0", "141"}


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("config schema > /dev/full", 1, "hostdeck: standard output cannot be written: no space left on device\n"),
        ("config schema >&-", 0, ""),
        ("restart localhost/x <&-", 2, "hostdeck: restart changes a host: give --yes"),
        ("<&-", 2, "hostdeck: the console needs a terminal"),
        ("staus 2>&-", 2, ""),
    ],
)
def test_streams_that_are_closed_or_full(line: str, code: int, said: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m console {line}"], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == code
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("name", "code"), [("dark", 0), ("hostdeck-red", 0), ("nord", 0), ("drak", 2)])
def test_theme_names(name: str, code: int, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "c.toml").write_text(f'theme = "{name}"')
    assert run(["config", "check", str(home / "c.toml")]) == code
    assert ('did you mean "dark"?' in capsys.readouterr().err) == (code == 2)


def test_an_ssh_configuration_that_is_not_there_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the check, and before anything is connected."""
    config = home / "c.toml"
    config.write_text('[ssh]\nconfig = "/nope"\n')
    assert f"{config}: ssh.config /nope: no such file or directory" in failed(capsys, "config", "check", str(config))
    assert "ssh.config of the configuration: /nope: no such file" in failed(
        capsys, "status", "--config", str(config), "localhost"
    )


def test_a_beginning_of_a_command_is_taken_for_that_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean 'status'?" in failed(capsys, "stat", "web1")
