"""A Debian package with a unit in several versions, in an archive on the lab host itself: nothing is fetched."""

from __future__ import annotations

from .host import SERVICE, Host

ARCHIVE = "/srv/debs"
_CONTROL = """Package: {name}
Version: {version}
Architecture: all
Maintainer: Lab <lab@example.org>
Description: a service of the lab
"""
_UNIT = """[Unit]
Description=Web service {name}, from a package

[Service]
User=deploy
Environment=SERVICE_NAME={name} PORT={port}
ExecStart=/usr/bin/python3 /usr/share/{name}/api.py
"""


def offer(host: Host, version: str, fault: str | None = None, name: str = "labapi", port: int = 8080) -> None:
    """Put a version of the package into the archive, and let apt know of it."""
    root = f"/srv/deb-build/{name}"
    host.sh(f"rm -rf {root}; mkdir -p {root}/DEBIAN {root}/lib/systemd/system {root}/usr/share/{name} {ARCHIVE}")
    host.write(f"{root}/DEBIAN/control", _CONTROL.format(name=name, version=version))
    host.write(f"{root}/usr/share/{name}/api.py", (SERVICE / "api.py").read_text(encoding="utf-8"))
    faults = f'["{fault}"]' if fault else "[]"
    host.write(f"{root}/usr/share/{name}/version.json", f'{{"version": "{version}", "faults": {faults}}}\n')
    host.write(f"{root}/lib/systemd/system/{name}.service", _UNIT.format(name=name, port=port))
    host.sh(f"dpkg-deb --root-owner-group --build {root} {ARCHIVE} >/dev/null", timeout=60)
    index(host)


def withdraw(host: Host, version: str, name: str = "labapi") -> None:
    """Take a version out of the archive."""
    host.sh(f"rm {ARCHIVE}/{name}_{version}_all.deb")
    index(host)


def index(host: Host) -> None:
    """Write the list of the archive, which is all that apt reads of it, and let apt read it."""
    entry = (
        f'cd {ARCHIVE} && for f in *.deb; do dpkg-deb -f $f; echo "Filename: ./$f"; echo "Size: $(stat -c %s $f)"; '
        'echo "SHA256: $(sha256sum $f | cut -d " " -f 1)"; echo; done >Packages'
    )
    host.write("/etc/apt/sources.list", f"deb [trusted=yes] file:{ARCHIVE} ./\n")
    host.sh(f"{entry} && apt-get -q update", timeout=60)


def install(host: Host, version: str, name: str = "labapi") -> None:
    """As an administrator does."""
    host.sh(f"apt-get -q install --yes --allow-downgrades {name}={version} && systemctl daemon-reload", timeout=90)
    host.sh(f"systemctl restart {name}")
