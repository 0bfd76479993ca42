"""`earwitness serve`: the API and the site behind gunicorn."""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import replace
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from api import create_app
from policies import moments
from policies.errors import BadInput
from policies.settings import Settings

_BACKLOG = 512  # connections that wait while all threads answer
_THREADS = 8  # of each process: answers are short, and some wait for the database
# Seconds in which a question has to go on coming, and an answer to go on being taken: whoever is
# slower would keep a thread for himself.
_ASKING, _TAKING = 10, 30
_LONGEST_LINE = 8190  # bytes of a request line, the most there are: sentences are pasted into it
_NO_CONTROL = {"control_socket_disable": True}  # nobody steers it but by signals


@click.command()
@click.option("--host", help="Address to listen on.  [EARWITNESS_HOST, else 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="Port; 0 takes a free one.  [EARWITNESS_PORT, else 8737]",
)
@click.option(
    "--workers", type=click.IntRange(1, 64), help="Processes.  [EARWITNESS_WORKERS, else 2]"
)
@click.option("--at", metavar="TIME", help="Take this for the present time: the clock of a replay.")
def serve(host: str | None, port: int | None, workers: int | None, at: str | None) -> None:
    """Serve the site and the API until stopped (Ctrl-C)."""
    settings = Settings.from_env()
    settings = replace(
        settings,
        host=settings.host if host is None else host,
        port=settings.port if port is None else port,
        workers=settings.workers if workers is None else workers,
    )
    listener = listen(settings.host, settings.port)
    app = create_app(settings, moments.since(at) if at else None)
    address, taken = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    click.echo(f"Earwitness serves http://{shown}:{taken} (Ctrl-C stops it)")
    Server(app, listener, settings.workers).run()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises BadInput."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, proto)
    except OSError as error:
        raise BadInput(f"cannot listen on {host!r}: {error.strerror}") from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # What is accepted by it has the same limits.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _ASKING, 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _TAKING, 0))
    try:
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise BadInput(
            f"cannot listen on {host} port {port}: {error.strerror};"
            " --port takes another one, 0 any free one"
        ) from error
    listener.set_inheritable(True)
    return listener


class _Log(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's log without a traceback for everybody who is too slow."""

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """What went wrong."""
        if isinstance(sys.exc_info()[1], BlockingIOError):
            self.debug("hung up on somebody who was too slow")
        else:
            super().exception(msg, *args, **kwargs)


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn on a socket that is open already."""

    def __init__(self, app: Flask, listener: socket.socket, workers: int) -> None:
        self._app = app
        self._listener = listener  # kept open as long as the server lives
        self._workers = workers
        super().__init__()

    def load_config(self) -> None:
        """Few settings; the rest are gunicorn's own."""
        given: dict[str, Any] = {
            "bind": f"fd://{self._listener.fileno()}",
            "workers": self._workers,
            "worker_class": "gthread",
            "threads": _THREADS,
            "limit_request_line": _LONGEST_LINE,
            "logger_class": _Log,
            "forwarder_headers": "",  # else a header could say below which path we are
            "loglevel": "warning",
            "graceful_timeout": 5,
        }
        given |= {name: on for name, on in _NO_CONTROL.items() if name in self.cfg.settings}
        for name, value in given.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application."""
        return self._app
