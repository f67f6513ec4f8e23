"""Files of variables that everyone may read: who uses them, and what to do."""

from dataclasses import replace

from console.core.declaration import Declared, OpenFile
from console.core.finding import Severity
from console.core.service import ServiceRef, State
from console.findings import evaluate
from tests.diagnosis.factories import snapshot, unit

FILE = OpenFile("/etc/default/my api", "0644", "api.service", ("API_TOKEN", "DB_PASSWORD"))


def test_the_unit_that_uses_it_and_the_way_out() -> None:
    api = unit("api.service", State.RUNNING)
    seen = replace(snapshot(services=(api,)), declared=Declared(open_files=(FILE,)))
    [finding] = evaluate(seen)
    assert (finding.code, finding.severity, finding.subject) == ("env-readable", Severity.WARNING, FILE.path)
    assert finding.service == api.ref
    assert finding.evidence == (
        "/etc/default/my api has mode 0644", "it sets API_TOKEN, DB_PASSWORD", "used by api.service",
    )  # fmt: skip
    [way] = finding.proposals
    assert (way.commands, way.intents) == (("chmod 640 '/etc/default/my api'",), ())
    assert way.reason_off is not None


def test_the_services_of_a_project_and_nobody() -> None:
    refs = [ServiceRef("web1", "compose", f"shop/{name}") for name in ("api", "db")]
    made = tuple(
        replace(unit("x.service", State.RUNNING), ref=ref, state=State.RUNNING, unit_file="/srv/shop/compose.yml")
        for ref in refs
    )
    files = (
        OpenFile("/srv/shop/.env", "0664", "", ("A_KEY",)),
        OpenFile("/srv/b/.env", "0666", "gone.service", ("B",)),
    )
    found = evaluate(replace(snapshot(services=made), declared=Declared(open_files=files)))
    assert [finding.subject for finding in found] == ["/srv/b/.env", "/srv/shop/.env"]
    assert found[1].evidence[-1] == "used by shop/api and 1 more"
    assert found[0].evidence[-1] == "used by gone.service"


def test_the_service_that_its_compose_file_gives_it_and_the_one_that_starts_there() -> None:
    shop = [ServiceRef("web1", "compose", f"shop/{name}") for name in ("api", "db")]
    made = [replace(unit("x.service", State.RUNNING), ref=ref, unit_file="/srv/shop/compose.yml") for ref in shop]
    app = replace(unit("x.service", State.RUNNING), ref=ServiceRef("web1", "pm2", "web"), directory="/srv/web/")
    files = (
        OpenFile("/etc/api.env", "0644", "", ("A_KEY",), (("/srv/shop/compose.yml", "api"),)),
        OpenFile("/etc/else.env", "0644", "", ("A_KEY",), (("/srv/else/compose.yml", "api"),)),
        OpenFile("/srv/web/.env", "0644", "", ("A_KEY",)),
        OpenFile("/srv/web/prod.env", "0644", "", ("A_KEY",)),
    )
    found = evaluate(replace(snapshot(services=(*made, app)), declared=Declared(open_files=files)))
    told = {finding.subject: (finding.service, finding.evidence[2:]) for finding in found}
    assert told == {
        "/etc/api.env": (shop[0], ("used by shop/api",)),
        "/etc/else.env": (None, ("used by api of /srv/else/compose.yml",)),
        "/srv/web/.env": (app.ref, ("used by web",)),
        "/srv/web/prod.env": (None, ()),
    }
