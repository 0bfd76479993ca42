import assert from "node:assert/strict";
import { test } from "node:test";

import { Refused, index, read, verdict } from "../../extension/lib/bundle.js";

const EMPTY = { schema_version: 1, as_of: null, languages: ["en"], topics: {}, stances: {}, vendors: [] };
const VENDOR = {
  id: "v", name: "V", as_of: null, assistants: [], sites: [], controls: [], answers: {}, quotes: {}, pages: [], changes: [],
};

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

test("the index holds what finds a vendor", () => {
  const pages = [{ id: "p", title: "P", url: "https://v.example/p", language: "en", region: null, health: "current",
    last_read_at: null, version_id: null, version_captured_at: null, passages: [] }];
  const made = index(read(JSON.stringify({ ...EMPTY, vendors: [{ ...VENDOR, pages }] })));
  assert.deepEqual(made.vendors[0].pages, [{ id: "p", url: "https://v.example/p" }]);
  assert.equal(made.vendors[0].verdict, "not_read");
  assert.equal(verdict({ stance: null, standing: "not_stated" }), "not_stated");
});
