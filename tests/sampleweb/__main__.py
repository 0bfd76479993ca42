"""`python -m tests.sampleweb --port N --at DATE`: serve the sample web until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import time

from tests.sampleweb import server, site


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.sampleweb",
        description=server.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=8899)
    parser.add_argument("--at", default=site.FIRST_EDITION.isoformat(), help="date of the edition")
    given = parser.parse_args()
    try:
        web = server.SampleWeb(at=given.at, port=given.port)
    except ValueError as error:
        parser.error(f"--at {given.at}: {error}")
    try:
        web.start()
    except OSError as error:
        parser.error(f"--port {given.port}: {error.strerror}")
    days = ", ".join(day.isoformat() for day in site.editions())
    print(
        f"{len(site.pages())} pages as of {web.clock:%Y-%m-%d} by way of http_proxy={web.address}"
    )
    print(f"Editions: {days}. Stop with Ctrl-C.", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)
    web.stop()


if __name__ == "__main__":
    main()
