"""One certificate authority for the servers of a cluster. Certificates are valid for the loopback address only."""

import os
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key


@dataclass(frozen=True)
class Certificates:
    folder: Path

    @classmethod
    def create(cls, folder: Path, servers: list[str]) -> "Certificates":
        """Write `ca.pem`, and `<server>.crt`, `.key` and `.pem` (both, as Kafka reads them) for each server."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        for server in servers:
            certificate = authority.issue_cert("127.0.0.1", "localhost")
            key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
            text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
            for suffix, content in (("key", text), ("crt", chain), ("pem", text + chain)):
                path = folder / f"{server}.{suffix}"
                path.touch(mode=0o600)
                path.write_bytes(content)
        for path in folder.glob("ca.pem"):
            os.chmod(path, 0o644)
        return cls(folder)

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def file(self, server: str, suffix: str) -> Path:
        return self.folder / f"{server}.{suffix}"
