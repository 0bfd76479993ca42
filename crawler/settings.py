"""Scrapy's settings: what is obeyed, bounded and switched off.

`scrapy crawl` and `scrapy shell` read this module by way of scrapy.cfg; the
commands of `earwitness` read it too and lay their own `Settings` over it.
"""

from __future__ import annotations

from typing import Any

from policies.settings import Settings

BOT_NAME = "earwitness"
SPIDER_MODULES = ["crawler.spider"]


def limits(settings: Settings) -> dict[str, Any]:
    """What an operator decides, in Scrapy's words."""
    return {
        "USER_AGENT": settings.user_agent,
        "BODY_LIMIT": settings.body_limit,  # ours: see middlewares.bounds
        "DOWNLOAD_TIMEOUT": settings.fetch_timeout,  # from connecting to the last byte
    }


globals().update(limits(Settings.from_env()))

# --- polite ----------------------------------------------------------------------------
CONCURRENT_REQUESTS_PER_DOMAIN = 1
CONCURRENT_REQUESTS = 16  # hosts at once; more would only need more memory
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 1.0  # seconds; grows with the host's own latency
AUTOTHROTTLE_MAX_DELAY = 30.0
DOWNLOAD_DELAY = 1.0  # seconds between two requests to a host, at least
DOWNLOAD_DELAY_JITTER = 0.25
CRAWL_DELAY_LIMIT = 60.0  # seconds; a robots.txt that asks for more gets this much
RETRY_AFTER_LIMIT = 120.0  # seconds; who asks for more is left alone until then
RETRY_AGAIN = 2  # times that a request is repeated, at most
RETRY_BACKOFF = 2.0  # seconds before the first repetition, then twice as long each time

# --- bounded ---------------------------------------------------------------------------
DOWNLOAD_MAXSIZE = 0  # BODY_LIMIT bounds; Scrapy would throw away what came until then
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_FAIL_ON_DATALOSS = False  # half a page is no page, but it is evidence
REDIRECT_MAX_TIMES = 10
METAREFRESH_MAXDELAY = 1  # seconds; slower ones are meant for people
# In memory at once: bodies that wait to be judged. Then fetching waits.
SCRAPER_SLOT_MAX_ACTIVE_SIZE = 40_000_000

# --- safe ------------------------------------------------------------------------------
DOWNLOAD_VERIFY_CERTIFICATES = True
COOKIES_ENABLED = False
REFERRER_POLICY = "scrapy.spidermiddlewares.referer.NoReferrerPolicy"
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
DOWNLOAD_HANDLERS = {
    "http": "crawler.connections.Connections",
    "https": "crawler.connections.Connections",
    "data": None,
    "file": None,
    "ftp": None,
    "s3": None,
}

# --- the way of a request and of its answer --------------------------------------------
HTTPERROR_ALLOW_ALL = True  # a 404 is a capture like any other
DOWNLOADER_MIDDLEWARES = {
    "crawler.middlewares.robots.RobotsMiddleware": 100,
    "crawler.middlewares.retries.RetryMiddleware": 550,
    "crawler.middlewares.redirects.RefreshMiddleware": 580,
    "crawler.middlewares.decoding.DecodingMiddleware": 590,
    "crawler.middlewares.redirects.RedirectMiddleware": 600,
    "crawler.middlewares.pace.PaceMiddleware": 760,  # after the proxy is known
    "crawler.middlewares.bounds.BoundsMiddleware": 770,  # the first to see an answer
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    "scrapy.downloadermiddlewares.redirect.MetaRefreshMiddleware": None,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": None,
    "scrapy.downloadermiddlewares.cookies.CookiesMiddleware": None,
    "scrapy.downloadermiddlewares.httpcache.HttpCacheMiddleware": None,
}
ITEM_PIPELINES = {"crawler.pipelines.TrackingPipeline": 100}

# --- quiet -----------------------------------------------------------------------------
LOG_LEVEL = "INFO"
TWISTED_REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"
