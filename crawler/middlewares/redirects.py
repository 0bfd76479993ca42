"""Redirects and pages that send elsewhere at once."""

from __future__ import annotations

from scrapy import Request
from scrapy.downloadermiddlewares import redirect
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from crawler.captures import Unfetched

CONDITIONS = ("If-None-Match", "If-Modified-Since")

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class RedirectMiddleware(redirect.RedirectMiddleware):
    """Follows redirects, each by the rules of the place that it leads to."""

    def process_response(  # type: ignore[override]  # the spider argument is on its way out
        self, request: Request, response: Response
    ) -> Request | Response:
        """The request that a redirect leads to, or the answer. Raises Unfetched."""
        try:
            result = super().process_response(request, response)
        except ValueError as error:  # what stands in Location is no address
            raise _astray(response) from error
        except IgnoreRequest as error:
            raise _endless(request, response) from error
        if isinstance(result, Request):
            return _onward(result, response)
        if response.status in _REDIRECTS and "Location" in response.headers:
            # Scrapy follows http and https only, and gives back what leads anywhere else.
            raise _astray(response)
        return result


class RefreshMiddleware(redirect.MetaRefreshMiddleware):
    """Follows pages that do nothing but send elsewhere at once."""

    def process_response(  # type: ignore[override]  # the spider argument is on its way out
        self, request: Request, response: Response
    ) -> Request | Response:
        """The request that a refresh leads to, or the answer. Raises Unfetched."""
        if "cut" in request.meta:
            return response
        try:
            result = super().process_response(request, response)
        except ValueError:  # not an address: nothing that could be followed
            return response
        except IgnoreRequest as error:
            raise _endless(request, response) from error
        return _onward(result, response) if isinstance(result, Request) else result


def _astray(response: Response) -> Unfetched:
    where = (response.headers["Location"] or b"").decode("latin-1")[:100]
    return Unfetched(f"network: refused to follow a redirect to {where}", response)


def _endless(request: Request, response: Response) -> Unfetched:
    followed = request.meta.get("redirect_times", 0)
    return Unfetched(f"redirect-loop: gave up after {followed} redirects", response)


def _onward(request: Request, response: Response) -> Request:
    if request.url in request.meta["redirect_urls"]:
        # Cookies are off and the headers are the same, so the answer would be the same too.
        raise Unfetched(f"redirect-loop: {request.url} leads back to itself", response)
    # The validators belong to another address: a 304 from here would say nothing.
    for name in CONDITIONS:
        request.headers.pop(name, None)
    # The way there is chosen anew, as `no_proxy` may have its say about this host.
    for name in ("proxy", "_scheme_proxy", "_auth_proxy"):
        request.meta.pop(name, None)
    request.headers.pop("Proxy-Authorization", None)
    return request
