"""What is typed wrongly after ``hostdeck why``: one clear line, the right exit code, and a document only as JSON."""

import pytest

from tests.cli.test_on_hosts import Hostdeck, hostdeck
from tests.lab import FreshHost, Host

__all__ = ["hostdeck"]


@pytest.fixture
def host(fresh_host: FreshHost) -> Host:
    """A host on which two managers have a service of one name, and no port is declared for a third."""
    made = fresh_host("why1")
    made.install_api(name="shared", start=False)
    program = "[program:shared]\ncommand=/bin/sleep 1000\nautostart=false\n"
    made.write("/etc/supervisor/conf.d/shared.conf", program)
    made.run(["systemctl", "start", "supervisor.service"])
    return made


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("why1:0", "why1:0: there is no port 0: expected a number from 1 to 65535"),
        ("why1:70000", "why1:70000: there is no port 70000: expected a number from 1 to 65535"),
        (":99999999999999999999", "there is no port 99999999999999999999"),
        ("why1:http", "why1:http: 'http' is no port: expected a number from 1 to 65535"),
        ("why1:-1", "'-1' is no port"),
        ("why1:8080/sctp", "(protocol tcp or udp)"),
        ("why1:8080/", "names no service after '/'"),
        ("why1", "'why1' names a host only: expected why1:PORT, why1/SERVICE"),
        ("", "'' is no target"),
        ("a\nb:80", "is no target"),
    ],
)
def test_a_target_that_cannot_be(target: str, said: str, hostdeck: Hostdeck) -> None:
    done = hostdeck("root", "why", "--", target)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("hostdeck: ")
    assert done.err.count("\n") == 1
    assert said in done.err


def test_a_host_that_is_not_there_is_exit_3(hostdeck: Hostdeck) -> None:
    done = hostdeck("root", "why", "nohost.invalid:80", "--json")
    assert (done.code, done.json("why/1")["verdict"], done.err.count("\n")) == (3, "unknown", 1)
    assert "nohost.invalid cannot be reached" in done.err


def test_names_and_rights_on_a_real_host(hostdeck: Hostdeck, host: Host) -> None:
    done = hostdeck("root", "why", "why1/nothere")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "no service 'nothere' on why1" in done.err
    # Who may not ask supervisord does not know what it runs, and is told so.
    for user in ("oncall", "nosudo"):
        done = hostdeck(user, "why", "why1/nothere")
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert "no service 'nothere' on why1" in done.err
        assert "supervisord is not seen" in done.err

    both = hostdeck("root", "why", "why1/shared")
    assert (both.code, both.out) == (2, "")
    assert "may be any of why1/supervisord:shared, why1/systemd:shared.service: name one" in both.err
    assert hostdeck("root", "why", "why1/systemd:shared").code == 0

    for user in ("root", "oncall", "nosudo"):
        none = hostdeck(user, "why", "why1/cron")
        assert (none.code, none.err) == (1, "")
        assert "cron.service runs and listens nowhere: neither its log, nor its definition, nor a" in none.out
        assert len(none.out.splitlines()) <= 12

    # A port that nobody has, seen by somebody without any right: not free, and what was not looked at is said.
    unseen = hostdeck("nosudo", "why", "why1:9", "--json")
    assert unseen.code == 1
    free = unseen.json("why/1")
    assert (free["verdict"], free["holders"]) == ("unknown", [])
    assert [gap["what"] for gap in free["not_checked"]] == ["rules that send the port elsewhere (NAT)"]


def test_another_host_that_is_down_does_not_cost_the_verdict(hostdeck: Hostdeck, fresh_host: FreshHost) -> None:
    made = fresh_host("why2")
    made.install_api()
    made.wait("curl -fs http://127.0.0.1:8080/health")
    told = hostdeck("root", "why", "why2/api", "--from", "nohost.invalid", "--json")
    assert (told.code, told.err) == (0, "")
    verdict = told.json("why/1")
    assert (verdict["verdict"], verdict["holders"][0]["service"]) == ("held", "api.service")
    [gap] = [one for one in verdict["not_checked"] if one["what"] == "a connection from nohost.invalid"]
    assert gap["why"].startswith("not tried: the name nohost.invalid has no address")
