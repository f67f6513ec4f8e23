"""The looks of a verdict, as a person could take them."""

from console.diagnosis.looks import MOST_LINES, look
from console.probes import listeners, process, sockets
from console.remote.shell import failure_line


def test_a_look_is_told_as_the_command_a_person_would_type() -> None:
    assert look(sockets.PROBE, ("8080",), "", None, 8080).command == 'ss -Htuanpoe state connected "sport = :8080"'
    assert look(process.SHOWN, ("12", "13"), "", None, None).command.endswith(" -p 12 13")


def test_hostile_arguments_stay_one_word() -> None:
    assert look(process.SHOWN, ("1; touch /x",), "", None, None).command.endswith(" -p '1; touch /x'")


def test_a_long_answer_keeps_the_lines_that_name_the_port_and_counts_the_rest() -> None:
    rows = [f"tcp LISTEN 0 5 0.0.0.0:{port} 0.0.0.0:*" for port in range(9000, 9000 + 2 * MOST_LINES)]
    kept = look(listeners.PROBE, (), "\n".join([*rows, "tcp LISTEN 0 5 [::]:8080 [::]:*"]), None, 8080).output
    assert kept == f"tcp LISTEN 0 5 [::]:8080 [::]:*\n... {2 * MOST_LINES} more lines"


def test_a_short_answer_is_kept_word_for_word_and_a_failure_beside_it() -> None:
    taken = look(listeners.PROBE, (), "one\ntwo", failure_line("no ss", "127"), 8080)
    assert (taken.output, taken.failure) == ("one\ntwo", "no ss")


def test_secrets_are_masked() -> None:
    assert "hunter2" not in look(process.PROBE, ("12",), "command api --password=hunter2", None, 8080).output
