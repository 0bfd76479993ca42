"""The door through which pages come in: fetches what is due, politely, and hands it to the core.

settings     Scrapy's settings: what is obeyed, bounded, switched off
spider       the one spider: all due pages, each ending in one capture
middlewares  robots.txt, pace, retries, redirects, decoding
connections  where a request may connect to, and how long a head may be
captures     an answer, or the lack of one, becomes a `Capture`
pipelines    captures go to `policies.tracking`
rounds       one pass over the pages that are due
schedule     rounds for ever, and the server beside them
cli          `earwitness crawl` and `earwitness up`
"""
