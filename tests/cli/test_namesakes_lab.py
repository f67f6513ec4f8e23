"""A name that two managers of a real host have, one of which a login may not ask."""

from tests.cli.test_on_hosts import Hostdeck, hostdeck
from tests.lab import FreshHost, cases

__all__ = ["hostdeck"]


def test_the_service_that_is_not_seen_is_not_passed_over(hostdeck: Hostdeck, fresh_host: FreshHost) -> None:
    host = fresh_host()
    cases.install(host, "7")
    both = (
        f"{host.name}/legacy may be any of {host.name}/supervisord:legacy, {host.name}/systemd:legacy.service: name one"
    )
    for user in ("root", "oncall", "nosudo"):
        for words in (("status",), ("stop", "--dry-run"), ("why",)):
            done = hostdeck(user, words[0], f"{host.name}/legacy", *words[1:])
            assert (done.code, both in done.err) == (2, True), (user, words, done)
    done = hostdeck("oncall", "status", f"{host.name}/systemd:legacy")
    assert (done.code, "Nothing wrong in what was asked for: 1 service checked" in done.out) == (0, True)
    done = hostdeck("oncall", "status", f"{host.name}/supervisord:legacy")
    assert done.code == 1
    assert f"{host.name}/supervisord:legacy is declared by /etc/supervisor/conf.d/legacy.conf:5" in done.out
    done = hostdeck("oncall", "status", f"{host.name}/ssh")
    assert f"{host.name}: not seen: whether pm2 or supervisord has 'ssh', too" in done.out
    assert f"{host.name} has 1 critical finding of what was not asked for" in done.out
