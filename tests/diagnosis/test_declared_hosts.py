"""What files declare, in the verdicts of real hosts, as root, as the on-call user and as a user without any right."""

import pytest

from console.diagnosis import Verdict, VerdictWord, as_text
from tests.diagnosis.real import why
from tests.lab import FreshHost, Host, Lab
from tests.lab.cases import install

USERS = ("root", "oncall", "nosudo")
COMPOSE = "/srv/shop/docker-compose.yml"


def where(verdict: Verdict) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in verdict.declared_by:
        found.setdefault(one.service, []).append(one.where)
    return found


def free_for(user: str) -> VerdictWord:
    """What a port is called that nobody has: the rules that may send it elsewhere are shown to root alone."""
    return VerdictWord.FREE if user == "root" else VerdictWord.UNKNOWN


def readable(verdict: Verdict) -> str:
    text = as_text(verdict)
    assert len(text) <= 12, text
    assert all(len(line) <= 80 for line in text), text
    return "\n".join(text)


def test_a_dotenv_file_and_a_range_of_compose_are_found(lab: Lab, fresh_host: FreshHost) -> None:
    """Case 26: the holder's port stands in a file of variables, and a project may take the next ones."""
    host = fresh_host()
    install(host, "26")
    for user in USERS:
        held, next_one = why(lab, host, ["/api", ":8081"], user)
        assert held.verdict is VerdictWord.HELD, user
        assert where(held) == {
            "api.service": ["/etc/systemd/system/api.service:10"],
            "legacy.service": ["/srv/legacy/.env:2"],
            "shop/api": [f"{COMPOSE}:7"],
        }
        text = readable(held)
        assert "DECLARED api.service (/etc/systemd/system/api.service:10), shop/api" in text
        move = next(action for action in held.actions if action.id == "move")
        # 8081 and 8082 are free now, and of the range that a project may take.
        assert move.label == "let api.service listen on 8083 (no listener seen)"
        assert "in /etc/systemd/system/api.service:10" in (move.reason_off or "")
        reason = next(line for line in held.evidence if line.startswith("next port: 8083"))
        assert f"8081 (shop/api declares it, {COMPOSE}:7); 8082 (shop/api declares it" in reason
        assert (next_one.verdict, where(next_one)) == (free_for(user), {"shop/api": [f"{COMPOSE}:7"]})
        readable(next_one)


def test_an_inactive_unit_is_who_will_clash_at_the_next_start(lab: Lab, fresh_host: FreshHost) -> None:
    """The half of case 5 that needs no engine."""
    host = fresh_host()
    host.install_api(name="spare", start=False)
    place = "/etc/systemd/system/spare.service:10"
    for user in USERS:
        [free] = why(lab, host, [":8080"], user)
        assert (free.verdict, where(free)) == (free_for(user), {"spare.service": [place]}), user
        assert f"DECLARED spare.service ({place})" in readable(free)
    host.install_api(name="second", start=False)
    for user in USERS:
        [both] = why(lab, host, [":8080"], user)
        assert (both.verdict, both.holders) == (VerdictWord.DUPLICATE, ())
        seen = "tcp 8080 is free" if user == "root" else "nobody is seen on tcp 8080"
        assert both.summary == f"{seen}, but second.service and spare.service both claim it"
        readable(both)
    host.run(["systemctl", "start", "spare.service"])
    host.wait("curl -fs http://127.0.0.1:8080/health")
    [held] = why(lab, host, ["/second"])
    assert (held.verdict, held.holders[0].name) == (VerdictWord.HELD, "spare.service")
    readable(held)


FRONT = """upstream api { server 127.0.0.1:8080; server 127.0.0.1:8099 down; }
server { listen 8079; location / { proxy_pass http://api; } location /old { proxy_pass http://127.0.0.1:8080/; } }
"""


def test_what_sends_requests_on_to_the_holder_is_hit_with_it(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    install(host, "1")
    host.write("/etc/nginx/conf.d/front.conf", FRONT)
    for user in USERS:
        [stopped] = why(lab, host, ["/api"], user)
        assert not any("nginx" in line for line in stopped.impact), user
    host.run(["systemctl", "start", "nginx.service"])
    for user in USERS:
        by_service, other = why(lab, host, ["/api", ":8079"], user)
        assert "IMPACT   nginx upstream api -> :8080; nginx proxy_pass -> :8080" in readable(by_service), user
        assert not any("upstream" in line for line in other.impact)


def test_a_socket_unit_and_its_service_are_no_rivals(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.unit("chat.socket", "[Socket]\nListenStream=8080\n", start=False)
    chat = "[Service]\nEnvironment=PORT=8080\nExecStart=/bin/sleep infinity\n"
    host.unit("chat.service", chat, start=False)
    [free] = why(lab, host, [":8080"])
    assert free.verdict is VerdictWord.FREE
    assert set(where(free)) == {"chat.socket", "chat.service"}


def test_an_old_nginx_master_is_named(lab: Lab, fresh_host: FreshHost) -> None:
    """Case 20: with the lines of the site that wants the port."""
    host = fresh_host()
    install(host, "20")
    site = "/etc/nginx/sites-enabled/default"
    for user in USERS:
        [verdict] = why(lab, host, ["/nginx"], user)
        assert verdict.verdict is VerdictWord.HELD, user
        assert where(verdict) == {"nginx.service": [f"{site}:22"]}
        text = readable(verdict)
        if user == "root":
            assert verdict.holders[0].note == "an old master, not nginx.service's"
            assert "nginx: an old master, not nginx.service's" in text
            end = next(action for action in verdict.actions if action.id == "signal")
            again = ("systemctl reset-failed nginx.service", "systemctl start nginx.service")
            assert (end.lines, end.reason_off) == ((f"kill -TERM {verdict.holders[0].pid}", *again), None)


def test_one_listen_twice_is_what_nginx_fails_on(lab: Lab, fresh_host: FreshHost) -> None:
    """Case 20twice: nginx -T prints nothing here; the files say it, and the log where it may be read."""
    host = fresh_host()
    install(host, "20twice")
    place = "/etc/nginx/conf.d/twice.conf:2"
    for user in USERS:
        [verdict] = why(lab, host, ["/nginx"], user)
        assert verdict.verdict is VerdictWord.DUPLICATE, user
        assert [one.where for one in verdict.declared_by] == [place, place]
        assert f"'listen 80' and 'listen 0.0.0.0:80' ({place})" in verdict.summary
        text = readable(verdict)
        assert "remove one of the two" in text
        assert verdict.confidence == ("medium" if user == "nosudo" else "high")
        log = [line for line in verdict.evidence if line.startswith("log: ")]
        assert (log == []) if user == "nosudo" else f"a duplicate listen 0.0.0.0:80 in {place}" in log[0]
    host.write("/etc/nginx/conf.d/twice.conf", "server { listen 127.0.0.1:80; }\nserver { listen 80; }\n")
    [mended] = why(lab, host, ["/nginx"])
    assert (mended.verdict, mended.summary) == (VerdictWord.FREE, "tcp 80 is free: nginx.service can be started")


def test_a_file_that_may_not_be_read_is_said_and_nothing_is_guessed(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.write("/etc/default/shy", "PORT=8080\nPASSWORD=hunter2\n", mode=0o600)
    host.unit("shy.service", "[Service]\nEnvironmentFile=/etc/default/shy\nExecStart=/bin/false\n", start=False)
    [seen] = why(lab, host, [":8080"])
    assert where(seen) == {"shy.service": ["/etc/default/shy:1"]}
    for user in ("oncall", "nosudo"):
        [unseen] = why(lab, host, [":8080"], user)
        assert (unseen.verdict, unseen.declared_by) == (VerdictWord.UNKNOWN, ())
        gaps = {gap.what: gap.why for gap in unseen.not_checked}
        assert gaps["files that declare ports"] == "/etc/default/shy may not be read"
        assert "hunter2" not in repr(unseen)


@pytest.mark.parametrize("user", USERS)
def test_the_next_port_passes_over_what_is_not_free(user: str, lab: Lab, fresh_host: FreshHost) -> None:
    """Listeners at other addresses, declarations, reserved ports and those for outgoing connections."""
    host = fresh_host()
    taken(host)
    [verdict] = why(lab, host, ["/api"], user)
    move = next(action for action in verdict.actions if action.id == "move")
    assert move.label == "let api.service listen on 8096 (no listener seen)"
    reason = next(line for line in verdict.evidence if line.startswith("next port: "))
    assert "8081 (held by other.service)" in reason
    assert "8082 (spare.service declares it, /etc/systemd/system/spare.service:10)" in reason
    assert "8083 to 8085 (reserved)" in reason
    assert "8086 to 8095 (for outgoing connections)" in reason


def taken(host: Host) -> None:
    install(host, "1")
    host.install_api(name="other", port=8081, unit_extra="Environment=HOST=127.0.0.1")
    host.install_api(name="spare", port=8082, start=False)
    host.run(["sysctl", "-w", "net.ipv4.ip_local_reserved_ports=8083-8085"])
    host.run(["sysctl", "-w", "net.ipv4.ip_local_port_range=8086 8095"])
    host.wait("ss -Hltn 'sport = :8081' | grep -q .")
