import assert from "node:assert/strict";
import { test } from "node:test";

import { again, index, read, verdict } from "../../extension/lib/bundle.js";
import { Refused } from "../../extension/lib/shape.js";

const EMPTY = { schema_version: 1, as_of: null, languages: ["en"], topics: {}, stances: {}, vendors: [] };
const VENDOR = {
  id: "v", name: "V", as_of: null, assistants: [], sites: [], controls: [], answers: {}, quotes: {}, pages: [], changes: [],
};

const PAGE = { id: "p", title: "P", url: "https://v.example/p", language: "en", region: null, health: "current",
  last_read_at: null, version_id: null, version_captured_at: null, passages: [] };

function refused(document) {
  try {
    read(typeof document === "string" ? document : JSON.stringify(document));
  } catch (error) {
    assert.ok(error instanceof Refused, String(error));
    return [error.kind, error.message];
  }
  return assert.fail("taken");
}

test("a bundle of a later schema is called newer, whatever else is in it", () => {
  assert.equal(refused({ schema_version: 2, vendors: "changed" })[0], "newer");
});

test("what is no bundle is refused with its place", () => {
  assert.equal(refused("<html>")[0], "broken");
  assert.equal(refused("null")[0], "broken");
  assert.equal(refused({})[0], "broken");
  assert.equal(refused({ ...EMPTY, schema_version: 0 })[0], "broken");
  assert.equal(refused({ ...EMPTY, schema_version: "1" })[0], "broken");
  assert.deepEqual(refused({ ...EMPTY, vendors: [{ ...VENDOR, name: 7 }] }), ["broken", "vendors[0].name: expected text"]);
  assert.match(refused({ ...EMPTY, vendors: [{ ...VENDOR, name: "x".repeat(300) }] })[1], /at most 200/);
  assert.match(refused({ ...EMPTY, vendors: [{ ...VENDOR, changes: [{}] }] })[1], /^vendors\[0\]\.changes\[0\]/);
  assert.match(refused({ ...EMPTY, as_of: "yesterday" })[1], /a time/);
});

test("what is not known is left out, and what is no address is no link", () => {
  const control = { id: "c", kind: "opt_out", assistants: [], name: { en: "x" }, url: "javascript:alert(1)", steps: {} };
  const [one] = read(JSON.stringify({ ...EMPTY, more: 1, vendors: [{ ...VENDOR, more: 1, controls: [control] }] })).vendors;
  assert.equal(one.controls[0].url, null);
  assert.ok(!("more" in one));
});

test("a field that is missing is not found in the language's own objects", () => {
  assert.match(refused('{"schema_version":1,"__proto__":{"as_of":null}}')[1], /languages/);
});

test("an earlier address that is none is left out", () => {
  const pages = [{ ...PAGE, earlier: ["javascript:alert(1)", "https://old.example/p"] }];
  const made = index(read(JSON.stringify({ ...EMPTY, vendors: [{ ...VENDOR, pages }] })));
  assert.deepEqual(made.vendors[0].pages[0].earlier, ["https://old.example/p"]);
});

test("what an older server or extension leaves out is empty, and of another kind is refused", () => {
  const answer = { standing: "stated", stance: "yes", also: [], summary: {}, observed: true, pages_read: 1, pages_unread: 0,
    quotes: [], quotes_total: 0 };
  const held = read(JSON.stringify({ ...EMPTY, vendors: [{ ...VENDOR, answers: { human_review: answer } }] }));
  const [{ answers, past_quotes: past }] = held.vendors;
  assert.deepEqual([answers.human_review.gone, answers.human_review.before, answers.human_review.contradictions], [[], [], []]);
  assert.deepEqual([past, held.directions], [{}, {}]);
  const older = { ...index(held), directions: undefined, vendors: [] };
  assert.deepEqual(again(older, [{ ...VENDOR, answers: { human_review: answer } }]), held);
  const wrong = { ...EMPTY, vendors: [{ ...VENDOR, answers: { human_review: { ...answer, gone: "all" } } }] };
  assert.match(refused(wrong)[1], /human_review\.gone: expected a list/);
});

test("the index holds what finds a vendor", () => {
  const pages = [PAGE];
  const made = index(read(JSON.stringify({ ...EMPTY, vendors: [{ ...VENDOR, pages }] })));
  assert.deepEqual(made.vendors[0].pages, [{ id: "p", url: "https://v.example/p", earlier: [] }]);
  assert.equal(made.vendors[0].verdict, "not_read");
  assert.equal(verdict({ stance: null, standing: "not_stated" }), "not_stated");
});
