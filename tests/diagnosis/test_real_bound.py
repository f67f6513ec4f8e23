"""A port that is bound and not listened on, on real hosts, by every way there is to see it."""

import pytest

from console.diagnosis import VerdictWord
from console.probes import bound, unlisted
from tests.lab import FreshHost, Host, Lab
from tests.lab.cases import install

from .expected import HIGH, LOW, MEDIUM, NOSUDO, ONCALL, ROOT, Expected, look

BOUND, LIMIT, UNKNOWN = VerdictWord.BOUND_NOT_LISTENING, VerdictWord.START_LIMIT, VerdictWord.UNKNOWN
LSOF = "/usr/bin/lsof -nP -F pcLftin"
WHAT, HIDDEN = "sockets that are bound and do not listen", "process of the holder"
HELD_BY = "tcp 8080 is bound by legacy.service without listening"


def test_the_kernel_tells_every_user(lab: Lab, fresh_host: FreshHost) -> None:
    """ss of Debian 12 is too old to show it, so python3 asks the kernel."""
    host = fresh_host(sudo=())
    install(host, "14")
    look(lab, host, (
        Expected("/api", ROOT, BOUND, HIGH, "legacy.service", action="stop-holder", summary=HELD_BY, gaps=0),
        Expected(":8080", ROOT, BOUND, HIGH, "legacy.service", action="stop-holder", summary=HELD_BY, gaps=0),
        Expected("/api", ONCALL, BOUND, MEDIUM, "legacy.service", summary=HELD_BY, gap=HIDDEN),
        Expected(":8080", NOSUDO, BOUND, MEDIUM, "legacy.service", summary=HELD_BY, gap=HIDDEN),
    ))  # fmt: skip
    assert "sudo" not in logged(host)


@pytest.fixture
def old_kernel(fresh_host: FreshHost) -> Host:
    """A host that cannot be asked: neither ss nor python3 tells of such sockets."""
    host = fresh_host(sudo=(LSOF,))
    install(host, "14")
    host.sh("mv /usr/bin/python3.11 /usr/bin/gone; ln -sf /bin/false /usr/bin/python3; mv /usr/bin/python3 /root/")
    return host


def test_without_the_kernel_lsof_names_who_may_have_it(lab: Lab, old_kernel: Host) -> None:
    may = "nobody listens on tcp 8080; legacy.service has a socket that is in no list and may be bound to it"
    look(lab, old_kernel, (
        Expected("/api", ROOT, BOUND, LOW, "legacy.service", summary=may, gap=WHAT),
        Expected("/api", ONCALL, BOUND, LOW, "legacy.service", summary=may, gap=WHAT),
        # Nobody is known to have failed here, so a socket of any port is no answer: but it is not free either.
        Expected(":8080", ONCALL, BOUND, LOW, "legacy.service"),
        Expected(":8081", ONCALL, UNKNOWN, summary="nobody is seen on tcp 8081", gap=WHAT),
        Expected(":8081", NOSUDO, UNKNOWN, summary="nobody is seen on tcp 8081", gap=WHAT),
    ))  # fmt: skip


def test_a_refused_look_leaves_one_line_in_the_log_of_a_connection(lab: Lab, old_kernel: Host) -> None:
    """sudo that wants a password notes each question, and a screen asks again and again."""
    old_kernel.write("/etc/sudoers.d/oncall", "oncall ALL=(ALL) ALL\n", mode=0o440)
    targets = [Expected(f":{port}", ONCALL, UNKNOWN, gap=WHAT) for port in (8081, 8082, 8083, 8084)]
    look(lab, old_kernel, targets)
    assert logged(old_kernel).count("a password is required") == 1


def test_an_allowed_look_is_not_taken_again_at_once(lab: Lab, old_kernel: Host) -> None:
    look(lab, old_kernel, [Expected(":8081", ONCALL, UNKNOWN, gap=WHAT) for _ in range(4)])
    assert logged(old_kernel).count(f"COMMAND={LSOF}") == 1


def logged(host: Host) -> str:
    return host.sh("journalctl --sync; journalctl -q -o cat SYSLOG_IDENTIFIER=sudo")


def test_root_finds_the_port_of_a_socket_that_no_list_shows(fresh_host: FreshHost) -> None:
    """pidfd_getfd is closed to hosts of the lab unless it is opened."""
    host = fresh_host(nspawn=("--system-call-filter=pidfd_getfd",))
    install(host, "14")
    for probe, port in ((unlisted.PROBE, 8080), (bound.PROBE, 8080), (unlisted.PROBE, 8081), (bound.PROBE, 8081)):
        script = f"f() {{\n{probe.script}\n}}\nf {port}"
        done = host.run(["sh", "-c", script])
        found = probe.parse(done.stdout.rstrip("\n"))
        assert [(one.address, one.port, one.process) for one in found] == (
            [("0.0.0.0", 8080, "python3")] if port == 8080 else []
        )
