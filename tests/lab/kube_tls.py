"""TLS for the API stand-in: kubectl gives its token only to a server that it reaches over TLS."""

from __future__ import annotations

import base64
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiohttp.test_utils
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Certificate:
    """A certificate for one address, signed by itself; ``days`` may be negative: then it has expired."""

    def __init__(self, address: str, days: int = 2) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hostdeck-lab-kube")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self._public = made.public_bytes(serialization.Encoding.PEM)
        self._private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def data(self) -> str:
        """For ``certificate-authority-data`` of a kubeconfig."""
        return base64.b64encode(self._public).decode()

    def context(self) -> ssl.SSLContext:
        """What a server needs."""
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "pair.pem"
            file.touch(mode=0o600)
            file.write_bytes(self._public + self._private)
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(file)
        return context

    def server(self, *args: Any, **options: Any) -> aiohttp.test_utils.RawTestServer:
        """The server of kmock, with TLS."""
        context = self.context()

        class Secure(aiohttp.test_utils.RawTestServer):
            async def start_server(self, loop: Any = None, **more: Any) -> None:
                await super().start_server(loop, **{**more, "ssl": context})

        return Secure(*args, **options)
