"""Captures go to `policies.tracking`, one by one, off the loop."""

from __future__ import annotations

import asyncio
import logging

from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from crawler.rounds import Fetched, Round
from policies.errors import BadInput

log = logging.getLogger(__name__)


class TrackingPipeline:
    """Hands each capture to the tracker, and what became of it to the round."""

    def __init__(self, crawler: Crawler):
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> TrackingPipeline:
        """The pipeline of a crawler."""
        return cls(crawler)

    async def process_item(self, item: Fetched) -> Fetched:
        """The item, once its capture is kept and judged. A broken store ends the round."""
        round_: Round = self._crawler.spider.round  # type: ignore[union-attr]  # a PagesSpider
        try:
            judgement = await asyncio.to_thread(round_.tracker.observe, item.page, item.capture)
        except BadInput as error:  # another crawl looked at the page meanwhile
            log.warning("not recorded: %s", error)
            raise DropItem(str(error), log_level="DEBUG") from error
        except Exception as error:
            round_.give_up(error)
            raise DropItem(str(error), log_level="DEBUG") from error
        round_.note(item, judgement)
        return item
