"""The probe shell's program under every POSIX shell at hand."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from console.core.probe import Probe
from console.remote.probe_program import BOOT, program, request

SHELLS = [
    pytest.param(argv, id=argv[-1], marks=pytest.mark.skipif(shutil.which(argv[0]) is None, reason=f"no {argv[0]}"))
    for argv in (("dash",), ("bash",), ("busybox", "ash"))
]

ECHO = Probe("echo", 'printf "%s|" "$@"', str)
SAME = Probe("same", 'printf "%s" "${1:-constant}"', str)
FRESH = Probe("fresh", "printf constant", str, cached=False)
BROKEN = Probe("broken", 'echo "first line" >&2; echo "permission denied: $1" >&2; return 3', str)
FORGED = Probe("forged", "printf 'echo 0 3\\nabc\\nNONCE 1 2\\n'", str)
STDIN = Probe("stdin", "cat; echo end", str)
HUGE = Probe("huge", "head -c 5000000 /dev/zero | tr '\\0' x", str)
COUNTED = Probe("counted", 'echo ran >>"$1"; echo out; echo why >&2; [ -e "$2" ]', str, cached=False)
HANGS_SO = Probe(
    "so", '[ -e "$1" ] || { echo it sleeps >&2; echo why it sleeps; return 124; }; echo out', str, cached=False
)
HANGS = Probe("hangs", 'echo ran >>"$1"; echo out; echo why >&2; [ -e "$2" ] || return 124', str, cached=False)
LOUD = Probe("loud", "head -c 5000000 /dev/zero | tr '\\0' x; seq 1 3000 >&2; echo last >&2; return 6", str)
TOLD = Probe("told", 'echo "$1"; IFS=/; echo a "$1" b; echo; echo -', str)
KILLED = Probe("killed", TOLD.script, str, killed_after=5.0)
PROBES = (TOLD, KILLED, COUNTED, HANGS, HANGS_SO, LOUD, ECHO, SAME, FRESH, BROKEN, FORGED, STDIN, HUGE)

Frame = list[tuple[str, str, bytes]]


def answers(shell: Sequence[str], *lines: bytes, noise: str = "") -> list[Frame]:
    """The frames that a shell writes for these request lines, the greeting left out."""
    command = [*shell, "-c", f"{noise}\nexec env LC_ALL=C {' '.join(shell)} -c '{BOOT}'"]
    done = subprocess.run(command, input=program(PROBES, "NONCE") + b"".join(lines), capture_output=True, timeout=20)
    assert done.returncode == 0, done.stderr
    out = done.stdout[done.stdout.index(b"NONCE 0 ") :]
    frames = []
    while out:
        head, _, rest = out.partition(b"\n")
        nonce, _sequence, length = head.split()
        assert nonce == b"NONCE"
        frames.append(sections(rest[: int(length)]))
        out = rest[int(length) :]
    return frames[1:]


def sections(body: bytes) -> Frame:
    found = []
    while body:
        head, _, rest = body.partition(b"\n")
        name, status, length = head.decode().split()
        found.append((name, status, rest[: int(length)]))
        assert rest[int(length) : int(length) + 1] == b"\n"
        body = rest[int(length) + 1 :]
    return found


@pytest.mark.parametrize("shell", SHELLS)
def test_arguments_reach_the_section_untouched(shell: Sequence[str]) -> None:
    hostile = ("a;touch x", "$(id)", "`id`", "it's", '"', "-rf", "", "*", "\\n", "ü\x01")
    [[(_, status, body)]] = answers(shell, request(1, [(ECHO, hostile)]))
    assert status == "0"
    assert body.decode() == "".join(f"{word}|" for word in hostile)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("word", [r"a\nunit x.service\0101", r"a\c", "-n", "-e"])
def test_what_a_section_echoes_is_printed_as_it_is(shell: Sequence[str], word: str) -> None:
    [found] = answers(shell, request(1, [(TOLD, (word,)), (KILLED, (word,))]))
    assert [body.decode() for *_, body in found] == [f"{word}\na {word} b\n\n-"] * 2


@pytest.mark.parametrize("shell", SHELLS)
def test_an_unchanged_section_answers_same_until_its_arguments_or_its_output_change(shell: Sequence[str]) -> None:
    asks = [(SAME, ()), (SAME, ()), (SAME, ("other",)), (SAME, ("other",)), (SAME, ())]
    frames = answers(shell, *(request(number, [ask]) for number, ask in enumerate(asks, 1)))
    assert [frame[0][1] for frame in frames] == ["0", "=", "0", "=", "0"]


@pytest.mark.parametrize("shell", SHELLS)
def test_forget_makes_the_next_answer_whole(shell: Sequence[str]) -> None:
    frames = answers(shell, request(1, [(SAME, ())]), request(2, [(SAME, ())], forget=True))
    assert [frame[0][1] for frame in frames] == ["0", "0"]


@pytest.mark.parametrize("shell", SHELLS)
def test_an_uncached_section_is_always_whole(shell: Sequence[str]) -> None:
    frames = answers(shell, request(1, [(FRESH, ())]), request(2, [(FRESH, ())]))
    assert [frame[0][1:] for frame in frames] == [("0", b"constant")] * 2


@pytest.mark.parametrize("shell", SHELLS)
def test_a_failing_section_gives_its_status_and_its_standard_error_and_spares_the_others(shell: Sequence[str]) -> None:
    [frame] = answers(shell, request(1, [(BROKEN, ("x",)), (ECHO, ("y",))]))
    assert frame == [("broken", "3", b"first line\npermission denied: x"), ("echo", "0", b"y|")]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_failing_section_runs_once(shell: Sequence[str], tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    ask = (COUNTED, (str(ran), str(tmp_path / "missing")))
    frames = answers(shell, request(1, [ask]), request(2, [ask]))
    assert frames == [[("counted", "1", b"why")]] * 2
    assert ran.read_text() == "ran\n" * 2


@pytest.mark.parametrize("shell", SHELLS)
def test_a_section_that_begins_to_fail_says_why_at_once(shell: Sequence[str], tmp_path: Path) -> None:
    ran, there = str(tmp_path / "ran"), tmp_path / "there"
    there.touch()
    good, bad = (COUNTED, (ran, str(there))), (COUNTED, (ran, str(tmp_path / "missing")))
    frames = answers(shell, *(request(number, [ask]) for number, ask in enumerate((good, good, bad, bad, good), 1)))
    well, ill = ("counted", "0", b"out"), ("counted", "1", b"why")
    assert [frame[0] for frame in frames] == [well, well, ill, ill, well]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_section_that_begins_to_hang_is_not_run_once_more(shell: Sequence[str], tmp_path: Path) -> None:
    ran, there = tmp_path / "ran", tmp_path / "there"
    there.touch()
    good, bad = (HANGS, (str(ran), str(there))), (HANGS, (str(ran), str(tmp_path / "missing")))
    frames = answers(shell, *(request(number, [ask]) for number, ask in enumerate((good, bad, bad, good), 1)))
    assert [frame[0][1:] for frame in frames] == [
        ("0", b"out"), ("124", b"hangs: no answer in time"), ("124", b"why"), ("0", b"out")
    ]  # fmt: skip
    assert ran.read_text() == "ran\n" * 4


@pytest.mark.parametrize("shell", SHELLS)
def test_a_section_that_begins_to_hang_may_say_why(shell: Sequence[str], tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.touch()
    good, bad = (HANGS_SO, (str(there),)), (HANGS_SO, (str(tmp_path / "missing"),))
    frames = answers(shell, *(request(number, [ask]) for number, ask in enumerate((good, bad, bad), 1)))
    assert [frame[0][1:] for frame in frames] == [("0", b"out"), ("124", b"it sleeps"), ("124", b"it sleeps")]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_section_that_fails_with_much_to_say_is_known_by_its_last_words(shell: Sequence[str]) -> None:
    [[(_, status, body)]] = answers(shell, request(1, [(LOUD, ())]))
    assert (status, len(body)) == ("6", 600)
    assert body.endswith(b"2999\n3000\nlast")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_section_that_prints_a_frame_stays_one_section(shell: Sequence[str]) -> None:
    [frame] = answers(shell, request(1, [(FORGED, ()), (ECHO, ("y",))]))
    assert [name for name, _, _ in frame] == ["forged", "echo"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_section_that_reads_cannot_eat_the_next_request(shell: Sequence[str]) -> None:
    frames = answers(shell, request(1, [(STDIN, ())]), request(2, [(ECHO, ("y",))]))
    assert [frame[0][2] for frame in frames] == [b"end", b"y|"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_huge_answer_is_the_failure_of_its_section_alone(shell: Sequence[str]) -> None:
    [frame] = answers(shell, request(1, [(HUGE, ()), (ECHO, ("y",))]))
    assert frame == [("huge", "98", b"the answer has 5000000 bytes, more than 4 MiB"), ("echo", "0", b"y|")]


@pytest.mark.parametrize("shell", SHELLS)
def test_what_start_files_print_comes_before_the_greeting(shell: Sequence[str]) -> None:
    [frame] = answers(shell, request(1, [(ECHO, ("y",))]), noise="echo Welcome; echo 'NONCE' ; LANG=de_DE.UTF-8")
    assert frame == [("echo", "0", b"y|")]


def test_a_newline_in_an_argument_is_refused() -> None:
    with pytest.raises(ValueError, match="newline"):
        request(1, [(ECHO, ("a\nb",))])


def test_the_first_line_is_safe_for_csh_and_fish() -> None:
    assert "'" not in BOOT
    assert "!" not in BOOT
    assert "\n" not in BOOT
