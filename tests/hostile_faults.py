"""Every way in which a site fails its reader, and what is made of each: a line a fault.

To add one, name a kind of `tests.sampleweb.faults` (or a robots.txt), the outcome of a capture
that meets it, and the rule that says so. What reads a page all the same is `read(...)`.
"""

from __future__ import annotations

from dataclasses import dataclass

from policies.model import Health, Outcome

BLOCKED, MOVED, GONE = Outcome.BLOCKED, Outcome.MOVED, Outcome.GONE
UNREADABLE, FAILED = Outcome.UNREADABLE, Outcome.FAILED


@dataclass(frozen=True)
class Fault:
    """What a page meets for a while, and what is expected of us."""

    name: str
    outcome: Outcome | None  # None: the page is read
    rule: str  # of the first reason; of a page that is read: of a warning, or empty
    serve: str = ""  # kind of fault; empty: the name
    robots: str = ""  # what robots.txt is instead
    https: str = ""  # kind of certificate; empty: the page is at http
    retry_after: str = "1"
    health: Health | None = None  # None: what follows from the outcome
    edit: bool = False  # whether the edit gets through while the fault lasts
    first: Outcome | None = None  # of a very first capture, where it differs
    noisy: bool = False  # whether it brings words of its own into the text
    always: bool = False  # whether it was there before and stays: how the page is
    heavy: bool = False  # whether it is made to take memory or time

    @property
    def kind(self) -> str:
        """What the page is answered with."""
        return "page" if self.robots else self.serve or self.name

    @property
    def expected_health(self) -> Health:
        """The page's state of health while the fault lasts."""
        if self.health:
            return self.health
        if self.outcome is None:
            return Health.CURRENT
        return Health.STALE if self.outcome is FAILED else Health(self.outcome.value)

    @property
    def evident(self) -> bool:
        """Whether an answer comes that can be kept."""
        return not (self.robots and self.outcome) and self.kind not in _ANSWERLESS

    @property
    def broken(self) -> bool:
        """Whether what came was an answer, but none that could be taken."""
        return self.evident and self.outcome is FAILED and self.rule not in ("status", "error")


# Nothing comes in time, or nothing that has a status and an end to its headers.
_ANSWERLESS = frozenset(
    {"reset", "hang", "slow", "drip", "not-http", "endless-head"}
    | {f"https-{kind}" for kind in ("self-signed", "expired", "wrong-host")}
)


def read(name: str, rule: str = "", **more) -> Fault:
    """A fault through which the page is read, edit and all."""
    return Fault(name, None, rule, edit=more.pop("edit", True), **more)


FAULTS = (
    # walls, and pages that are none
    Fault("captcha", BLOCKED, "captcha"),
    Fault("consent", BLOCKED, "consent"),
    Fault("login", BLOCKED, "login"),
    Fault("login-form", BLOCKED, "login"),
    Fault("soft-404", GONE, "not-found"),
    Fault("error-page", FAILED, "error"),
    Fault("shell", UNREADABLE, "nothing-selected"),
    Fault("half-rendered", UNREADABLE, "collapsed", first=UNREADABLE),
    Fault("empty", UNREADABLE, "empty-body"),
    Fault("locale", UNREADABLE, "other-language"),
    Fault("home", MOVED, "redirected"),
    # statuses
    Fault("status-204", FAILED, "status"),
    Fault("status-401", BLOCKED, "status"),
    Fault("status-403", BLOCKED, "status"),
    Fault("status-404", GONE, "status"),
    Fault("status-410", GONE, "status"),
    Fault("status-500", FAILED, "status"),
    Fault("status-503", FAILED, "status"),
    Fault("status-999", FAILED, "status", serve="status-599"),
    Fault("unasked 304", None, "", serve="status-304", edit=False, first=FAILED),
    Fault("429, in seconds", BLOCKED, "status", serve="status-429"),
    Fault("429, at a date", BLOCKED, "status", serve="status-429", retry_after="date"),
    Fault("429, in a day", FAILED, "network", serve="status-429", retry_after="86400"),
    Fault("429, absurdly", FAILED, "network", serve="status-429", retry_after="9" * 40),
    Fault("503, nonsense", FAILED, "status", serve="status-503", retry_after="soon"),
    # redirects
    Fault("redirect-loop", FAILED, "redirect-loop"),
    Fault("circle", FAILED, "redirect-loop"),
    read("chain", "redirected"),
    read("moved", "redirected"),
    # TLS, once the page has moved to https
    read("https-trusted"),
    Fault("https-self-signed", FAILED, "tls"),
    Fault("https-expired", FAILED, "tls"),
    Fault("https-wrong-host", FAILED, "tls"),
    # connections
    Fault("reset", FAILED, "reset"),
    Fault("hang", FAILED, "timeout"),
    Fault("slow", FAILED, "timeout"),
    Fault("drip", FAILED, "timeout"),
    Fault("truncate", FAILED, "truncated"),
    Fault("half-a-chunk", FAILED, "truncated"),
    Fault("length-too-long", FAILED, "truncated"),
    Fault("length-too-short", UNREADABLE, "cut"),
    Fault("cut-unsaid", UNREADABLE, "cut"),
    Fault("not-http", FAILED, "network"),
    Fault("endless-head", FAILED, "too-large"),
    # too much
    Fault("endless", FAILED, "too-large", heavy=True),
    Fault("huge", FAILED, "too-large", heavy=True),
    Fault("gzip-bomb", FAILED, "too-large", heavy=True),
    Fault("deflate-bomb", FAILED, "too-large", heavy=True),
    Fault("twice-packed-bomb", FAILED, "too-large", heavy=True),
    Fault("nested-tags", UNREADABLE, "too-much", heavy=True),
    Fault("deep-lists", UNREADABLE, "too-much", heavy=True),
    Fault("deep-divs", UNREADABLE, "too-much", heavy=True),
    Fault("flat-tags", UNREADABLE, "too-much", heavy=True),
    Fault("comments", UNREADABLE, "too-much", heavy=True),
    Fault("attributes", UNREADABLE, "too-much", heavy=True),
    Fault("one-long-word", UNREADABLE, "too-much", heavy=True),
    Fault("sentences", UNREADABLE, "too-much", heavy=True),
    # encodings and charsets
    Fault("brotli-unasked", FAILED, "network"),
    Fault("zstd-unasked", FAILED, "network"),
    Fault("gzip-garbage", FAILED, "truncated"),
    read("deflated"),
    read("wrong-charset"),
    read("unknown-charset"),
    read("utf-8-unsaid"),
    read("latin-1-unsaid"),
    read("latin-1-as-utf-8"),
    read("latin-1-as-cyrillic"),
    read("charsets-contradict"),
    # something else
    Fault("pdf", UNREADABLE, "media"),
    Fault("pdf-as-html", UNREADABLE, "media"),
    Fault("png", UNREADABLE, "media"),
    Fault("json", UNREADABLE, "media"),
    Fault("binary", UNREADABLE, "media"),
    Fault("binary-as-html", UNREADABLE, "media"),
    # the page, never twice the same
    read("restless"),
    read("counter", noisy=True),
    read("stamped", noisy=True),
    read("A/B", serve="hourly", noisy=True),
    read("A/B, as ever", serve="hourly", noisy=True, always=True),
    read("american", edit=False, health=Health.ALTERNATING),
    # robots.txt
    read("robots: missing", robots="missing"),
    read("robots: html", robots="html"),
    read("robots: binary", robots="binary"),
    read("robots: huge", robots="huge"),
    read("robots: loop", robots="loop"),
    read("robots: 403", robots="status-403"),
    Fault("robots: forbid", BLOCKED, "robots", robots="forbid"),
    Fault("robots: 429", BLOCKED, "robots", robots="status-429"),
    Fault("robots: 503", FAILED, "network", robots="status-503"),
    Fault("robots: reset", FAILED, "reset", robots="reset"),
    Fault("robots: hang", FAILED, "timeout", robots="hang"),
    Fault("robots: drip", FAILED, "timeout", robots="drip"),
)
