"""Asks an authority to timestamp the head of the log (RFC 3161)."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from policies.errors import BadInput, OutOfReach
from policies.store.chain import Entry
from policies.store.queries.stamps import Stamp

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_PATIENCE = 30.0  # seconds
_LARGEST = 100_000  # bytes of an answer; with certificates they have about 5,000


def ask(authority: str, head: Entry, roots: Path | None) -> Stamp:
    """The authority's timestamp of an entry, checked: it is of this entry and of this question.

    With `roots`, a PEM file, its signature is checked, too. Raises BadInput, OutOfReach.
    """
    try:
        import rfc3161_client as tsp
    except ModuleNotFoundError as error:
        raise BadInput("timestamps need the extra: install earwitness[timestamps]") from error
    if urlsplit(authority).scheme not in ("http", "https"):
        raise BadInput("EARWITNESS_TIMESTAMPS has to be an address that begins with https://")
    data = head.line.encode()
    question = (
        tsp.TimestampRequestBuilder()
        .data(data)
        .hash_algorithm(tsp.HashAlgorithm.SHA256)
        .nonce(nonce=True)
        .cert_request(cert_request=True)
        .build()
    )
    token = _post(authority, question.as_bytes())
    try:
        answer = tsp.decode_timestamp_response(token)
        if tsp.PKIStatus(answer.status) not in (
            tsp.PKIStatus.GRANTED,
            tsp.PKIStatus.GRANTED_WITH_MODS,
        ):
            raise OutOfReach(f"{_named(authority)} refused to timestamp the log")
        about = answer.tst_info
    except ValueError as error:
        # The library is strict: some authorities' answers are valid for openssl, but no DER.
        raise OutOfReach(
            f"what {_named(authority)} answered cannot be read as a timestamp: {str(error)[:200]}"
        ) from error
    if about.nonce != question.nonce or (
        about.message_imprint.message != hashlib.sha256(data).digest()
    ):
        raise OutOfReach(f"what {_named(authority)} answered is a timestamp of something else")
    if roots is not None:
        builder = tsp.VerifierBuilder.from_request(question)
        for root in _certificates(roots):
            builder = builder.add_root_certificate(root)
        try:
            builder.build().verify_message(answer, data)
        except (tsp.VerificationError, ValueError) as error:
            raise OutOfReach(
                f"the timestamp of {_named(authority)} is not signed by one whom {roots} trusts:"
                f" {error}"
            ) from error
    return Stamp(head.seq, authority, head.hash, about.gen_time, token)


def _certificates(path: Path) -> Sequence[Certificate]:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(f"EARWITNESS_TIMESTAMPS_CA: {path} is no PEM file: {error}") from error


def _post(authority: str, question: bytes) -> bytes:
    request = urllib.request.Request(  # noqa: S310 - an operator's address, http or https
        authority,
        data=question,
        headers={"Content-Type": "application/timestamp-query"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310
            token: bytes = answer.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", error)
        raise OutOfReach(f"{_named(authority)} cannot be asked for a timestamp: {why}") from error
    if len(token) > _LARGEST:
        raise OutOfReach(f"what {_named(authority)} answered is too long for a timestamp")
    return token


def _named(authority: str) -> str:
    """The authority without what may be a secret in its address."""
    return urlsplit(authority).hostname or "the authority"
