"""Sends a message to a target: signed JSON to a webhook, or by whatever Apprise knows.

Only addresses that the operator gave are asked, and no redirect is followed: nobody from outside
decides where this machine connects to.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import urllib.error
import urllib.request
from datetime import datetime
from http.client import HTTPException, HTTPMessage
from typing import IO

from api.herald.messages import Message
from api.herald.rules import Apprise, Target, Webhook
from policies import __version__
from policies.errors import BadInput, OutOfReach

_PATIENCE = 15.0  # seconds; Standard Webhooks advise 15 to 30


def send(target: Target, message: Message, at: datetime) -> None:
    """Deliver a message. Raises OutOfReach in words without what may be a secret."""
    if isinstance(target, Webhook):
        _post(target, message, at)
    else:
        _by_apprise(target, message)


def signature(key: bytes, id_: str, at: int, body: bytes) -> str:
    """As Standard Webhooks have it: HMAC-SHA256 of id, time and body."""
    signed = b".".join((id_.encode(), str(at).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        """None: a redirect is an answer like any other, and no good one."""


_OPENER = urllib.request.build_opener(_NoRedirect)


def _post(target: Webhook, message: Message, at: datetime) -> None:
    body = json.dumps(message.payload, ensure_ascii=False).encode("utf-8", "replace")
    seconds = int(at.timestamp())
    request = urllib.request.Request(  # noqa: S310 - an operator's address, http or https
        target.webhook,
        data=body,
        headers={
            "Content-Type": "application/json",
            "User-Agent": f"Earwitness/{__version__}",
            "webhook-id": message.id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": signature(target.key, message.id, seconds, body),
        },
        method="POST",
    )
    try:
        with _OPENER.open(request, timeout=_PATIENCE):
            return
    except urllib.error.HTTPError as error:
        with error:
            raise OutOfReach(f"{target.name} answered {error.code}") from None
    except (OSError, HTTPException, ValueError) as error:
        # The error may quote the address; its kind tells enough.
        why = getattr(error, "reason", error)
        said = why.strerror if isinstance(why, OSError) and why.strerror else type(why).__name__
        raise OutOfReach(f"{target.name} cannot be reached: {said}") from None


def _by_apprise(target: Apprise, message: Message) -> None:
    try:
        import apprise
    except ModuleNotFoundError as error:
        raise BadInput("messages need the extra: install earwitness[notify]") from error
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it would log addresses
    known = apprise.Apprise()
    if not known.add(target.address):
        raise OutOfReach(f"{target.name} is no address that Apprise knows")
    if not known.notify(body=message.text, title=message.title, body_format="text"):
        raise OutOfReach(f"{target.name} did not take the message")
