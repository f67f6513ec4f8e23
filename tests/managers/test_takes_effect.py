"""What makes a changed declaration count, in the words of each manager."""

from __future__ import annotations

import pytest

from console.core.service import Service, ServiceRef, State
from console.managers import manager
from console.managers.acting import Declaring


@pytest.mark.parametrize(
    ("ident", "name", "known", "file", "said"),
    [
        ("systemd", "api.service", {}, None, "systemctl daemon-reload && systemctl restart -- api.service"),
        ("systemd", "api.service", {}, "/etc/api.env", "systemctl restart -- api.service"),
        ("supervisord", "shop:cart", {}, "/f.conf", "supervisorctl reread && supervisorctl update shop"),
        (
            "supervisord", "api", {"tool": ("sudo", "-n", "--", "supervisorctl")}, None,
            "sudo -n -- supervisorctl reread && sudo -n -- supervisorctl update api",
        ),
        ("pm2", "web", {}, None, "pm2 restart web --update-env with the new variables set"),
        (
            "pm2", "web", {}, "/srv/ecosystem.config.js",
            "pm2 delete web && pm2 start /srv/ecosystem.config.js --only web",
        ),
        ("compose", "shop/web", {}, "/srv/my shop/c.yml", "docker compose -f '/srv/my shop/c.yml' up -d web"),
        ("compose", "shop/web", {"file_tool": ("compose", "-p", "shop")}, None, "compose -p shop up -d web"),
        ("docker", "api", {}, None, "make the container api anew, with the options of its docker run"),
        ("kubernetes", "shop/deployment/web", {}, None, "kubectl apply -f MANIFEST"),
    ],
)  # fmt: skip
def test_each_manager_has_its_own(
    ident: str, name: str, known: dict[str, tuple[str, ...]], file: str | None, said: str
) -> None:
    found = manager(ident)
    assert isinstance(found, Declaring)
    service = Service(ServiceRef("web1", ident, name), State.RUNNING, "", **known)
    assert found.takes_effect(service, file) == said


@pytest.mark.parametrize("ident", ["pidfile", "process"])
def test_one_that_keeps_no_declaration_has_none(ident: str) -> None:
    assert not isinstance(manager(ident), Declaring)
