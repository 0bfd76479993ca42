"""Certificates for any host: one that an authority of ours signed, and those to be refused.

SSL_CERT_FILE has to name a file with `authority()` in it for the trusted ones to be trusted.
"""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

KINDS = ("trusted", "self-signed", "expired", "wrong-host")
_PEM = serialization.Encoding.PEM
_YEAR = timedelta(days=365)


@cache
def context(host: str, kind: str = "self-signed") -> ssl.SSLContext:
    """A server's TLS context for a host, with one of KINDS. Raises ValueError for others."""
    if kind not in KINDS:
        raise ValueError(f"unknown certificate {kind!r}; there are {', '.join(KINDS)}")
    key = ec.generate_private_key(ec.SECP256R1())
    named = f"not-{host}" if kind == "wrong-host" else host
    until = datetime.now(UTC) + (-timedelta(days=1) if kind == "expired" else _YEAR)
    signed = _signed(named, key, until, None if kind == "self-signed" else _authority())
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "host.pem")
        private = serialization.PrivateFormat.PKCS8
        secret = key.private_bytes(_PEM, private, serialization.NoEncryption())
        path.write_bytes(secret + signed.public_bytes(_PEM))
        made.load_cert_chain(path)
    return made


def authority() -> bytes:
    """The certificate of the authority that signs in this process, as PEM."""
    return _authority()[1].public_bytes(_PEM)


@cache
def _authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    return key, _signed("sample authority", key, datetime.now(UTC) + _YEAR, None, is_ca=True)


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    until: datetime,
    by: tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None,
    *,
    is_ca: bool = False,
) -> x509.Certificate:
    """A certificate for a name; `by`: who signs it, None: its own key."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name[:60])])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by[1].subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - _YEAR)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if not is_ca:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        )
    return builder.sign(by[0] if by else key, hashes.SHA256())
