"""A certificate authority for one test: keys and certificates made with openssl, valid for a day."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.needs import need_program

EXTENSIONS = """\
subjectAltName = IP:127.0.0.1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True, slots=True)
class Issued:
    """Files of one certificate."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates for 127.0.0.1 and for devices; each name may be used once."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._openssl = need_program("openssl", "openssl")
        self.own = self._files(name)
        may_sign = (
            "-addext",
            "keyUsage = critical, keyCertSign, cRLSign",
        )  # RFC 5280, 4.2.1.3: Python 3.13 asks for it
        subject = ("-subj", f"/CN={name}", "-days", "1")
        self._run("req", "-x509", *_new_key(self.own), "-out", self.own.certificate, *subject, *may_sign)

    def issue(self, name: str) -> Issued:
        issued = self._files(name)
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        extensions.write_text(EXTENSIONS, encoding="ascii")
        self._run("req", *_new_key(issued), "-out", request, "-subj", f"/CN={name}")
        signer = ("-CA", self.own.certificate, "-CAkey", self.own.key, "-CAcreateserial")
        self._run(
            "x509", "-req", "-in", request, *signer, "-out", issued.certificate, "-days", "1", "-extfile", extensions
        )
        return issued

    def _files(self, name: str) -> Issued:
        return Issued(self._folder / f"{name}.crt", self._folder / f"{name}.key")

    def _run(self, *arguments: str | Path) -> None:
        subprocess.run([self._openssl, *arguments], check=True, capture_output=True, timeout=30)


def _new_key(issued: Issued) -> tuple[str | Path, ...]:
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", issued.key)
