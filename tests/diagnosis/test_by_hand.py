"""Advice to change a declaration ends with what makes it count."""

from console.core.service import ServiceRef
from console.diagnosis.by_hand import changed


def test_of_a_program_of_supervisord_it_is_read_again_and_updated() -> None:
    ref = ServiceRef("web1", "supervisord", "shop:cart")
    assert changed("the port to 8081", "/etc/supervisor/conf.d/shop.conf:7", ref, None) == (
        "by hand: set the port to 8081 in /etc/supervisor/conf.d/shop.conf:7, "
        "then supervisorctl reread && supervisorctl update shop"
    )


def test_a_restart_is_enough_where_nothing_keeps_the_declaration() -> None:
    ref = ServiceRef("web1", "pidfile", "worker")
    assert changed("the port to 8081", None, ref, None) == (
        "by hand: set the port to 8081 where worker is configured, then restart it"
    )
