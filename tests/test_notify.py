"""Messages: everyone is told what they asked for, once, whatever dies on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from standardwebhooks import Webhook, WebhookVerificationError

from api.herald import outbox, rules
from api.herald.outbox import Sent
from policies.cli import main
from policies.direction import Direction
from policies.errors import BadInput
from policies.model import Topic
from policies.store import rereading, schema
from tests.test_tracking import DAY, HOUR, A, B, C, D, Watch

SECRET = "whsec_" + "c2VjcmV0cyBzaG91bGQgYmUgbG9uZyBlbm91Z2g="
NOW = datetime(2026, 5, 6, 10, tzinfo=UTC)  # a Wednesday

LAST = [*A, "Since the summer, nobody listens to recordings that are older than a week."]


@dataclass
class Receiver:
    """A real HTTP server that takes webhooks, or refuses them."""

    status: int = 200
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    before: Callable[[int], None] = lambda _: None  # called with the number of the request
    after: Callable[[int], None] = lambda _: None  # and when it was answered
    url: str = ""

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            number = len(found.got)
            found.before(number)
            self.send_response(found.status)
            if found.status // 100 == 3:
                self.send_header("Location", f"{found.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.wfile.flush()
            found.after(number)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def watch(database_url: str, tmp_path: Path) -> Iterator[Watch]:
    """A page that was read once: nothing is news yet."""
    found = Watch(database_url, tmp_path / "data")
    found.see(A)
    yield found
    found.tracker.close()


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def webhook(tmp_path: Path, receiver: Receiver, **more: str) -> Path:
    about = "".join(f"    {name}: {value}\n" for name, value in more.items())
    return written(
        tmp_path,
        "rules:\n  - name: newsroom\n    to:\n"
        f"      - webhook: {receiver.url}/in?token=hush\n        secret: ${{HOOK}}\n{about}",
    )


def loaded(path: Path) -> tuple[rules.Rule, ...]:
    return rules.load(path, {"HOOK": SECRET})


def tell(watch: Watch, path: Path, now: datetime = NOW) -> list[Sent]:
    """One run at a time that the test names."""
    found = loaded(path)
    outbox.hear(watch.tracker.store, found, now)
    return list(outbox.deliver(watch.tracker.store, found, "https://site.example", lambda: now))


def environment(watch: Watch, path: Path) -> dict[str, str]:
    return {
        "EARWITNESS_DATA": str(watch.folder),
        "EARWITNESS_DATABASE": watch.url,
        "EARWITNESS_NOTIFY": str(path),
        "HOOK": SECRET,
    }


def run(watch: Watch, path: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["notify", *words], env=environment(watch, path))
    return done.exit_code, done.output


def edit(watch: Watch, *texts: list[str]) -> None:
    for text in texts:
        watch.see(text, after=HOUR)
        watch.see(text, after=HOUR)


# --- what is told ----------------------------------------------------------------------------


def test_a_change_is_told_once_and_signed(watch: Watch, receiver: Receiver, tmp_path: Path) -> None:
    path = webhook(tmp_path, receiver)
    assert tell(watch, path) == [], "what was there before the rule is no news"
    edit(watch, B)
    assert [sent.trouble for sent in tell(watch, path)] == [""]
    assert tell(watch, path) == []
    ((headers, body),) = receiver.got
    message = json.loads(body)
    assert (message["type"], message["data"]["id"]) == ("change.published", watch.changes[0].id)
    assert "- We keep the samples for thirty days" in message["data"]["diff"]
    assert message["data"]["url"] == f"https://site.example/changes/{watch.changes[0].id}"
    # Another's code checks the signature; its clock is of today, so only of a run of today.
    edit(watch, C)
    code, output = run(watch, path, "run")
    assert (code, "127.0.0.1: 1 item sent" in output) == (0, True), output
    headers, body = receiver.got[-1]
    assert Webhook(SECRET).verify(body, headers)["data"]["id"] == watch.changes[1].id
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"brello", b"other"), headers)


def test_only_what_was_asked_for_is_told(watch: Watch, receiver: Receiver, tmp_path: Path) -> None:
    text = "rules:\n"
    asked = {
        "mine": "vendors: [brello]",
        "theirs": "vendors: [other]",
        "topic": "topics: [retention]",
        "no-topic": "topics: [on_device]",
        "french": "languages: [fr]",
        "page": "pages: [brello.voice.en]",
        "health": "tell: [health]",
    }
    for name, about in asked.items():
        text += f"  - name: {name}\n    to: [{{webhook: '{receiver.url}', secret: '{SECRET}'}}]\n"
        text += f"    {about}\n"
    path = written(tmp_path, text)
    tell(watch, path)
    edit(watch, B)
    assert sorted(sent.rule for sent in tell(watch, path)) == ["mine", "page", "topic"]


def test_a_page_that_can_no_longer_be_looked_at_is_told(
    watch: Watch, receiver: Receiver, tmp_path: Path
) -> None:
    path = webhook(tmp_path, receiver, tell="[changes, health]", health="[blocked]", language="fr")
    tell(watch, path)
    for _ in range(3):
        watch.see(b"<h1>Are you a human?</h1>")
    watch.see(A)
    for _ in range(3):
        watch.see(status=None, failure="timeout: no answer")
    assert len(tell(watch, path)) == 2
    kinds = [(p["type"], p["data"]["health"]) for p in receiver.payloads]
    assert kinds == [("health.changed", "blocked"), ("health.changed", "current")]
    assert tell(watch, path) == []


def test_an_imported_history_is_no_news(watch: Watch, receiver: Receiver, tmp_path: Path) -> None:
    path = webhook(tmp_path, receiver, tell="[changes, health]")
    tell(watch, path)
    other = Watch(watch.url, watch.folder, origin="ota:nordic")
    for text in (A, B):
        body = ("# Your voice\n\n" + "\n\n".join(text)).encode()
        headers = (("content-type", "text/markdown; charset=utf-8"),)
        until = other.now + 70 * DAY
        other.see(body, after=40 * DAY, headers=headers, request_headers=(), seen_until=until)
    other.tracker.close()
    assert len(watch.changes) == 1
    assert tell(watch, path) == []


def test_a_change_that_comes_under_other_topics_is_no_news(
    watch: Watch, receiver: Receiver, tmp_path: Path
) -> None:
    path = webhook(tmp_path, receiver, topics="[on_device]")
    tell(watch, path)
    edit(watch, B)
    assert tell(watch, path) == []
    with watch.tracker.store.engine.execution_options(writes=True).begin() as connection:
        rereading.set_topics(connection, watch.changes[0].id, [Topic.ON_DEVICE])
    assert tell(watch, path) == []


def test_a_digest_comes_once_a_day_with_all_that_was_new(
    watch: Watch, receiver: Receiver, tmp_path: Path
) -> None:
    path = webhook(tmp_path, receiver, digest="daily")
    tell(watch, path)
    edit(watch, B)
    assert tell(watch, path) == []
    edit(watch, D)
    assert tell(watch, path, NOW + timedelta(hours=20)) == []
    (sent,) = tell(watch, path, NOW.replace(day=7, hour=7))
    assert sent.items == 2
    edit(watch, C, A[:7])
    assert tell(watch, path, NOW.replace(day=7, hour=9)) == []
    (sent,) = tell(watch, path, NOW.replace(day=8, hour=8))
    assert sent.items == 2
    digest = receiver.payloads[-1]
    assert digest["type"] == "digest"
    assert [item["data"]["id"] for item in digest["data"]["items"]] == [
        change.id for change in watch.changes[-2:]
    ]


@pytest.mark.parametrize(
    ("digest", "due"),
    [
        ("at once", NOW),
        ("daily", NOW.replace(day=7, hour=7)),
        ("weekly", NOW.replace(day=11, hour=7)),
    ],
)
def test_when_a_digest_is_due(
    receiver: Receiver, tmp_path: Path, digest: str, due: datetime
) -> None:
    (rule,) = loaded(webhook(tmp_path, receiver, digest=digest))
    assert rule.due(NOW) == due
    if digest != "at once":
        assert rule.due(due) - due == timedelta(days=1 if digest == "daily" else 7)


# --- what goes wrong -------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 404, 302])
def test_what_was_not_taken_is_tried_again_later(
    watch: Watch, receiver: Receiver, tmp_path: Path, status: int
) -> None:
    path = webhook(tmp_path, receiver)
    tell(watch, path)
    edit(watch, B, C)
    receiver.status = status
    (sent,) = tell(watch, path)
    assert sent.trouble == f"127.0.0.1 answered {status}"
    assert len(receiver.got) == 1, "a target that fails is left alone, and no redirect followed"
    assert len(tell(watch, path)) == 1, "the other one was not tried yet"
    assert tell(watch, path, NOW + timedelta(seconds=50)) == []
    assert len(tell(watch, path, NOW + timedelta(seconds=70))) == 1
    receiver.status = 200
    later = NOW + timedelta(minutes=4)
    assert [sent.trouble for sent in tell(watch, path, later)] == ["", ""]
    assert len(set(receiver.ids)) == 2, "the same message under the same id"
    assert tell(watch, path, NOW + timedelta(days=30)) == []


def test_the_pauses_grow_and_end(watch: Watch, receiver: Receiver, tmp_path: Path) -> None:
    path = webhook(tmp_path, receiver)
    tell(watch, path)
    edit(watch, B)
    receiver.status = 503
    at, pauses = NOW, []
    for _ in range(14):
        assert len(tell(watch, path, at)) == 1
        (row,) = watch.rows(schema.outbox)
        pauses.append(row.due_at - at)
        at = row.due_at
    assert pauses[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert pauses[-1] == timedelta(hours=12)


def test_a_target_that_is_out_of_reach_holds_up_nobody(
    watch: Watch, receiver: Receiver, tmp_path: Path
) -> None:
    path = written(
        tmp_path,
        "rules:\n  - name: both\n    to:\n"
        f"      - {{webhook: 'http://127.0.0.1:9/hush', secret: '{SECRET}'}}\n"
        f"      - {{webhook: '{receiver.url}', secret: '{SECRET}'}}\n",
    )
    tell(watch, path)
    edit(watch, B, C)
    troubles = [sent.trouble for sent in tell(watch, path)]
    assert sorted(map(bool, troubles)) == [False, False, True]
    assert "hush" not in "".join(troubles)
    assert len(set(receiver.ids)) == 2


def test_apprise_takes_what_it_knows(watch: Watch, receiver: Receiver, tmp_path: Path) -> None:
    address = receiver.url.replace("http://", "json://")
    path = written(tmp_path, f"rules:\n  - name: plain\n    to: ['{address}/?-webhook-id=x']\n")
    tell(watch, path)
    edit(watch, B)
    assert [sent.trouble for sent in tell(watch, path)] == [""]
    (payload,) = receiver.payloads
    assert "Brello changed" in payload["title"]
    assert "We keep the samples for eighteen months" in payload["message"]
    receiver.status = 500
    edit(watch, C)
    (sent,) = tell(watch, path)
    assert sent.trouble == "json://… did not take the message"


# --- a kill ----------------------------------------------------------------------------------


def test_a_kill_loses_nothing_and_repeats_only_what_hung_in_the_air(
    watch: Watch, receiver: Receiver, tmp_path: Path
) -> None:
    path = webhook(tmp_path, receiver)
    tell(watch, path)
    edit(watch, B, C, A[:7], LAST)
    assert len(watch.changes) == 4
    running: list[subprocess.Popen[bytes]] = []

    def die() -> None:
        os.kill(running[-1].pid, signal.SIGKILL)
        running[-1].wait()

    # The first run dies before the first answer, the second right after it answered the third.
    receiver.before = lambda number: die() if number == 1 else None
    receiver.after = lambda number: die() if number == 3 else None
    command = [sys.executable, "-m", "policies.cli", "notify", "run"]
    for status in (-9, -9, 0):
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment(watch, path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        running.append(process)
        _, trouble = process.communicate(timeout=120)
        assert process.returncode == status, trouble.decode()
    ids = receiver.ids
    assert len(set(ids)) == 4
    told = {p["data"]["id"] for p in receiver.payloads}
    assert told == {change.id for change in watch.changes}
    # Only what was under way when the process died came again, under the same id.
    assert [ids.count(id_) for id_ in dict.fromkeys(ids)] == [2, ids.count(ids[2]), 1, 1]
    assert ids.count(ids[2]) <= 2
    assert all(row.sent_at for row in watch.rows(schema.outbox))
    assert run(watch, path, "run") == (0, "Nothing is due.\n")
    assert len(receiver.ids) == len(ids)


def test_two_runs_at_once_tell_everything_once(
    watch: Watch, receiver: Receiver, tmp_path: Path
) -> None:
    path = webhook(tmp_path, receiver)
    tell(watch, path)
    edit(watch, B, C)
    receiver.before = lambda _: time.sleep(0.5)
    command = [sys.executable, "-m", "policies.cli", "notify", "run"]
    both = [
        subprocess.Popen(command, env={**os.environ, **environment(watch, path)}) for _ in range(2)
    ]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert len(receiver.ids) == len(set(receiver.ids)) == 2


# --- the command -----------------------------------------------------------------------------


def test_the_test_says_who_took_it(watch: Watch, receiver: Receiver, tmp_path: Path) -> None:
    path = webhook(tmp_path, receiver)
    assert run(watch, path, "test") == (0, "newsroom: 127.0.0.1 took it\n")
    headers, body = receiver.got[0]
    assert Webhook(SECRET).verify(body, headers)["type"] == "test"
    receiver.status = 403
    code, output = run(watch, path, "test", "--rule", "newsroom")
    assert (code, output) == (1, "newsroom: 127.0.0.1 answered 403\n")
    code, output = run(watch, path, "test", "--rule", "nobody")
    assert (code, "no rule is named" in output) == (2, True)


def test_the_status_says_what_was_sent_and_what_waits(
    watch: Watch, receiver: Receiver, tmp_path: Path
) -> None:
    path = webhook(tmp_path, receiver)
    assert "begins with the next run" in run(watch, path, "status")[1]
    assert run(watch, path, "run")[1] == "Nothing is due.\n"
    assert run(watch, path, "run", "--quiet")[1] == ""
    assert "nothing to tell so far" in run(watch, path, "status")[1]
    edit(watch, B, C)
    receiver.status = 500
    code, output = run(watch, path, "run")
    assert (code, "not yet: 127.0.0.1 answered 500" in output) == (0, True), output
    code, output = run(watch, path, "status")
    assert code == 0
    assert "0 items sent; 2 items due at" in output
    assert "(127.0.0.1 answered 500)" in output
    other = path.read_text().replace("/in?", "/other?")
    path.write_text(other)
    assert "2 items for targets that the file no longer names" in run(watch, path, "status")[1]


def test_no_secret_is_shown_or_kept(watch: Watch, receiver: Receiver, tmp_path: Path) -> None:
    path = webhook(tmp_path, receiver)
    text = path.read_text()
    path.write_text(text + "      - mailto://me:hush@127.0.0.1:9/?timeout=1\n")
    run(watch, path, "run")
    edit(watch, B)
    receiver.status = 500
    outputs = [run(watch, path, *words)[1] for words in (["run"], ["status"], ["test"])]
    kept = repr(watch.rows(schema.outbox)) + repr(watch.rows(schema.heard)) + repr(loaded(path))
    for shown in (*outputs, kept):
        assert "hush" not in shown
        assert SECRET not in shown
        assert SECRET.removeprefix("whsec_") not in shown


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rules: [", "this is no YAML"),
        ("rules: []", "rules"),
        ("rule: x", "rule"),
        ("rules:\n - name: a\n   to: [json://x]\n   vendor: [b]", "vendor"),
        ("rules:\n - name: a\n   to: [json://x]\n   topics: [weather]", "topics"),
        ("rules:\n - name: a\n   to: []", "to"),
        ("rules:\n - name: a\n   to: [hush]", "an address begins like"),
        ("rules:\n - {name: a, to: [json://x]}\n - {name: a, to: [json://x]}", "two rules"),
        ("rules:\n - name: a\n   to: ['json://${NOT_SET}']", "NOT_SET, which is not set"),
        ("rules:\n - name: a\n   to: [{webhook: 'https://x', secret: whsec_hush}]", "24 bytes"),
        ("rules:\n - name: a\n   to: [{webhook: 'ftp://x', secret: '${HOOK}'}]", "https://"),
        ("rules:\n - name: a\n   to: [{webhook: 'https://x'}]", "secret"),
        ("\x00", "no YAML"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(tmp_path: Path, text: str, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(BadInput) as caught:
        loaded(path)
    assert says in str(caught.value)
    assert "hush" not in str(caught.value)


def test_without_rules_the_command_says_how_to_begin(watch: Watch, tmp_path: Path) -> None:
    for words in (["run"], ["test"], ["status"]):
        given = {**environment(watch, tmp_path), "EARWITNESS_NOTIFY": ""}
        done = CliRunner().invoke(main, ["notify", *words], env=given)
        assert (done.exit_code, "set EARWITNESS_NOTIFY" in done.output) == (2, True)


@pytest.mark.parametrize(
    ("topics", "directions", "told"),
    [
        ((), (), True),
        ((Topic.HUMAN_REVIEW,), (), True),
        ((Topic.RETENTION,), (), False),
        ((), (Direction.WORSE,), True),
        ((), (Direction.BETTER,), False),
        ((Topic.HUMAN_REVIEW,), (Direction.SAYS_LESS, Direction.WORSE), True),
        ((Topic.CHOICE,), (Direction.WORSE,), False),
    ],
)
def test_a_rule_asks_for_topics_and_for_ways_on_them(
    topics: tuple[Topic, ...], directions: tuple[Direction, ...], told: bool
) -> None:
    rule = rules.Rule(name="a", to=("json://localhost",), topics=topics, directions=directions)
    ways = {Topic.HUMAN_REVIEW: Direction.WORSE, Topic.CHOICE: Direction.UNCLEAR}
    assert rule.is_about((Topic.HUMAN_REVIEW, Topic.CHOICE), ways) is told
