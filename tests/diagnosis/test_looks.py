"""The looks of a verdict, as a person could take them."""

from pathlib import Path

from console.diagnosis.looks import LONGEST, MOST_LINES, MOST_OF_OTHERS, look
from console.managers import systemd_launch
from console.probes import ALL, listeners, namespaces, process, sockets
from console.remote.shell import failure_line
from tests.probes.recorded import read


def test_a_look_is_told_as_the_command_a_person_would_type() -> None:
    assert look(sockets.PROBE, ("8080",), "", None, 8080).command == 'ss -Htuanpoe state connected "sport = :8080"'
    assert look(process.SHOWN, ("12", "13"), "", None, None).command.endswith(" -p 12 13")


def test_hostile_arguments_stay_one_word() -> None:
    assert look(process.SHOWN, ("1; touch /x",), "", None, None).command.endswith(" -p '1; touch /x'")


def test_a_long_answer_keeps_the_lines_that_name_the_port_and_counts_the_rest() -> None:
    rows = [f"tcp LISTEN 0 5 0.0.0.0:{port} 0.0.0.0:*" for port in range(9000, 9000 + 2 * MOST_LINES)]
    kept = look(listeners.PROBE, (), "\n".join([*rows, "tcp LISTEN 0 5 [::]:8080 [::]:*"]), None, 8080).output
    more = f"... {2 * MOST_LINES} more lines: the command prints all of them on the host"
    assert kept == f"tcp LISTEN 0 5 [::]:8080 [::]:*\n{more}"


def test_of_a_long_answer_that_does_not_name_the_port_only_the_beginning_is_kept() -> None:
    rows = [f"tcp LISTEN 0 5 0.0.0.0:{port} 0.0.0.0:*" for port in range(9000, 9000 + 2 * MOST_LINES)]
    kept = look(listeners.PROBE, (), "\n".join(rows), None, 900).output.split("\n")
    assert kept[:-1] == rows[:MOST_OF_OTHERS], "9000 to 9009 only look like it"
    assert kept[-1].startswith(f"... {2 * MOST_LINES - MOST_OF_OTHERS} more lines")


def test_a_long_line_is_cut() -> None:
    assert len(look(process.SHOWN, ("12",), "x" * 9000, None, None).output) < 2 * LONGEST


def test_a_host_of_many_networks_is_told_by_who_listens_in_them_and_as_far_as_it_names_the_port() -> None:
    recorded = read(Path(__file__).parent.parent / "probes" / "recorded" / "namespaces-root.txt").output
    told = look(namespaces.PROBE, (), recorded, None, 8080).output.split("\n")
    assert told[0] == "docker-proxy pid 201: tcp 127.0.0.1:8080 -> 172.17.0.2:80"
    assert "net 4026532942 pid 260 busybox 172.17.0.2" in told
    assert "  4026532942 tcp :::80 pid 260 busybox" in told
    head, first = recorded.split("namespace ", 1)
    block = first.split("namespace ", 1)[0].split("\n", 1)[1]
    many = head + "".join(f"namespace {4026540000 + number}\n{block}" for number in range(80))
    kept = look(namespaces.PROBE, (), many.rstrip("\n"), None, 8080).output.split("\n")
    assert len(kept) == 2
    assert kept[1].startswith("... 162 more lines")


def test_an_answer_that_cannot_be_read_is_shown_as_it_came() -> None:
    assert look(namespaces.PROBE, (), "no such thing", None, 8080).output == "no such thing"


def test_a_short_answer_is_kept_word_for_word_and_a_failure_beside_it() -> None:
    taken = look(listeners.PROBE, (), "one\ntwo", failure_line("no ss", "127"), 8080)
    assert (taken.output, taken.failure) == ("one\ntwo", "no ss")


def test_secrets_are_masked() -> None:
    assert "hunter2" not in look(process.PROBE, ("12",), "command api --password=hunter2", None, 8080).output


def test_a_command_is_told_only_where_the_host_ran_it() -> None:
    """Of others the report would say that they were run, and printed what they would not print."""
    probes = (*ALL, listeners.AS_ROOT_PROBE, process.SHOWN, systemd_launch.LAUNCH, systemd_launch.USER_LAUNCH)
    told = [one for one in probes if one.shown and not one.shown.startswith("(") and one.name != "limits"]
    assert len(told) > 6
    for one in told:
        ran = " ".join(one.script.replace('"$1"', "$1").replace('"$@"', "$@").split())
        assert one.shown.removeprefix("sudo -n ") in ran, one.name


def test_names_that_were_looked_up_beside_it_are_not_what_ss_printed() -> None:
    recorded = read(Path(__file__).parent.parent / "probes" / "recorded" / "sockets-udp-root.txt").output
    assert "hostdeck-user" in recorded
    assert "hostdeck" not in look(sockets.PROBE, ("8080",), recorded, None, None).output
