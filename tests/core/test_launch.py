"""When two services run the same program."""

import pytest

from console.core.launch import Launch, same_launch


def of(text: str, directory: str | None = None, **more: object) -> Launch:
    return Launch(tuple(text.split(" ")), directory, **more)  # type: ignore[arg-type]


API = of("/usr/bin/python3 /srv/api/api.py")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (API, API),
        (API, of("python3.11 /srv/api/api.py")),
        (API, of("python3 -u api.py", "/srv/api")),
        (API, of("/usr/bin/python3 ./api.py", "/srv/api")),
        (API, of("env PORT=8080 python3 /srv/api/api.py")),
        (API, Launch(("/bin/sh", "-c", "exec python3 /srv/api/api.py"))),
        (of("/usr/bin/node /srv/api/index.js --port 1"), of("/srv/api/index.js", whole=False)),
        (of("python3 -m http.server 8080", "/srv"), of("/usr/bin/python3 -m http.server 8080", "/srv")),
        (of("java -Xmx1g -jar /srv/a.jar --x"), of("/usr/lib/jvm/bin/java -jar /srv/a.jar --x")),
        (of("/usr/bin/gunicorn app:app", "/srv/a"), of("/usr/bin/gunicorn app:app", "/srv/a/")),
        (of("/usr/bin/gunicorn app:app", "/srv/a"), of("/usr/bin/gunicorn app:app", "/")),
        (of("/srv/api/bin/api --port 8080"), of("bin/api --port 8080", "/srv/api")),
        (of("a", pid_file="/run/api.pid"), of("b", pid_file="/run/api.pid")),
    ],
)
def test_the_same(one: Launch, other: Launch) -> None:
    assert same_launch(one, other)
    assert same_launch(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (API, of("/usr/bin/python3 /srv/legacy/api.py")),
        (API, of("/usr/bin/python3 /srv/api/api.py --port 8081")),
        (API, of("/usr/bin/python3 api.py", "/srv/legacy")),
        (API, of("python3 api.py")),
        (of("python3 api.py"), of("python3 api.py")),
        (of("python3"), of("python3")),
        (of("python3 -c x"), of("python3 -c x")),
        (Launch(), Launch()),
        (of("python3 -m http.server 8080", "/srv"), of("python3 -m http.server 8080", "/opt")),
        (of("/usr/bin/gunicorn app:app", "/srv/a"), of("/usr/bin/gunicorn app:app", "/srv/b")),
        (of("java -cp x Main"), of("java -cp x Main")),
        (Launch(("sh", "-c", "a; b")), Launch(("sh", "-c", "a; b"))),
        (of("nginx", pid_file=None), of("apache2", pid_file=None)),
    ],
)
def test_not_known_to_be_the_same(one: Launch, other: Launch) -> None:
    assert not same_launch(one, other)
    assert not same_launch(other, one)
