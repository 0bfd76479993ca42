import assert from "node:assert/strict";
import { test } from "node:test";

import { baseline, events, look, novelty, rewording, since, sitting, vanished } from "../../extension/lib/news.js";

function change(id, confirmed, topics = ["human_review"], edits = []) {
  return { id, page_id: "p", confirmed_at: confirmed, captured_at: confirmed, topics, edits };
}

function vendor(...changes) {
  return { id: "v", changes };
}

const OLD = change("a", "2026-01-01T00:00:00Z");
const NEW = change("b", "2026-02-01T00:00:00Z");

test("who never looked has missed nothing", () => {
  assert.deepEqual(since(vendor(OLD), undefined), []);
});

test("what came since the last look is new, once", () => {
  const last = look(vendor(OLD), "2026-01-15T00:00:00Z");
  assert.deepEqual(since(vendor(NEW, OLD), last), [NEW]);
  assert.deepEqual(since(vendor(NEW, OLD), look(vendor(NEW, OLD), "2026-02-02T00:00:00Z")), []);
});

test("a change that was confirmed before the look but published after it is new all the same", () => {
  const slow = change("c", "2026-01-10T00:00:00Z");
  const last = look(vendor(OLD), "2026-01-15T00:00:00Z");
  assert.deepEqual(since(vendor(slow, OLD), last), [slow]);
});

test("a server that shows more of the past tells no news", () => {
  const last = look(vendor(NEW), "2026-02-02T00:00:00Z");
  assert.deepEqual(since(vendor(NEW, OLD), last), []);
});

test("the first change of a vendor that had none is new", () => {
  assert.deepEqual(since(vendor(NEW), look(vendor(), "2026-01-15T00:00:00Z")), [NEW]);
});

test("only followed vendors and topics make events, oldest first", () => {
  const held = { v: look(vendor(), "2025-12-01T00:00:00Z") };
  const other = change("c", "2026-03-01T00:00:00Z", ["retention"]);
  const now = [vendor(other, NEW, OLD)];
  const ids = (follows) => events(now, follows, held).map(({ id }) => id);
  assert.deepEqual(ids({ vendors: ["v"], topics: [] }), ["a", "b", "c"]);
  assert.deepEqual(ids({ vendors: ["v"], topics: ["retention"] }), ["c"]);
  assert.deepEqual(ids({ vendors: ["w"], topics: [] }), []);
});

test("a sentence is new, reworded or the same since the last reading", () => {
  const runs = [["equal", "We "], ["removed", "never "], ["equal", "listen."]];
  const edit = { kind: "replaced", topics: [], runs };
  const changes = [change("a", "2026-01-01T00:00:00Z", [], [edit])];
  const last = { at: "2025-12-01T00:00:00Z", version_id: null, before: null, passages: [{ id: "1", topics: [], text: "x" }] };
  assert.equal(novelty("1", "x", last, changes), "same");
  assert.equal(novelty("2", "We listen.", last, changes), "reworded");
  assert.equal(novelty("3", "Hello.", last, changes), "new");
  assert.equal(novelty("3", "Hello.", undefined, changes), "same", "a first reading marks nothing");
  assert.equal(rewording("We listen.", changes), runs);
  assert.deepEqual(vanished(last, new Set(["2"])), last.passages);
  assert.deepEqual(vanished(last, new Set(["1"])), []);
  assert.deepEqual(vanished(undefined, new Set()), []);
});

test("a page is compared with the reading before this sitting, however often it is looked at", () => {
  const minutes = (n) => Date.parse("2026-01-01T00:00:00Z") + n * 60_000;
  const seen = (id) => ({ version_id: null, passages: [{ id, topics: [], text: id }] });
  assert.equal(baseline(undefined, minutes(0)), undefined);
  const first = sitting(seen("1"), undefined, minutes(0));
  assert.equal(first.before, null);
  assert.equal(baseline(first, minutes(5)), undefined, "still the first reading");
  const later = sitting(seen("2"), first, minutes(90));
  assert.deepEqual(later.before.passages, first.passages);
  assert.ok(!("before" in later.before), "what is remembered does not grow");
  const again = sitting(seen("3"), later, minutes(140));
  assert.equal(again.at, later.at);
  assert.deepEqual(baseline(again, minutes(149)), again.before);
  assert.deepEqual(again.before, later.before, "what was new is new for the hour");
  assert.equal(baseline(again, minutes(151)), again);
});
