"""A web of invented vendors in dated editions, served on loopback: for tests and for the demo."""

from tests.sampleweb.server import Request, SampleWeb
from tests.sampleweb.site import editions, pages

__all__ = ["Request", "SampleWeb", "editions", "pages"]
