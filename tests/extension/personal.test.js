import assert from "node:assert/strict";
import { test } from "node:test";

import { read, write } from "../../extension/lib/personal.js";
import { Refused } from "../../extension/lib/shape.js";

const AT = "2026-03-01T08:00:00Z";
const SEEN = { at: AT, version_id: "v", passages: [{ id: "1", topics: ["choice"], text: "You may say no." }] };
const LOOK = { at: AT, changes: ["a"], oldest: AT };
const OWN = {
  settings: { api: "https://e.example", language: "fr", follows: { vendors: ["v"], topics: [] }, notify: true, badge: false, marks: false },
  looks: { v: LOOK },
  watched: { v: LOOK },
  unseen: [{ id: "a", vendor: "v" }],
  reads: { "v.terms.en": { ...SEEN, before: SEEN } },
};

function refused(json) {
  try {
    read(json);
  } catch (error) {
    assert.ok(error instanceof Refused, String(error));
    return [error.kind, error.message];
  }
  return assert.fail("taken");
}

test("what was saved is read back as it was", () => {
  assert.deepEqual(read(write(OWN, AT)), { saved_at: AT, ...OWN });
});

test("what is not ours, or of a later version, is refused", () => {
  const ours = JSON.parse(write(OWN, AT));
  const changed = (more) => JSON.stringify({ ...ours, ...more });
  assert.equal(refused("PK\u0003")[0], "broken");
  assert.equal(refused("[]")[0], "broken");
  assert.equal(refused('{"schema_version":1,"vendors":[]}')[0], "broken", "a bundle is none");
  assert.equal(refused(changed({ personal_version: 2, looks: 7 }))[0], "newer");
  assert.deepEqual(refused(changed({ settings: { ...OWN.settings, notify: "yes" } })), ["broken", "settings.notify: expected true or false"]);
  assert.match(refused(changed({ unseen: Array.from({ length: 5001 }, () => OWN.unseen[0]) }))[1], /at most 5000/);
  assert.match(refused(changed({ reads: { p: { ...SEEN, passages: [{}] } } }))[1], /^reads\.p\.passages\[0\]/);
});

test("what a file says besides is left out, and a server that is none is no server", () => {
  const file = { ...JSON.parse(write(OWN, AT)), to_tell: [{}], held: {}, settings: { ...OWN.settings, api: "javascript:x" } };
  const own = read(JSON.stringify(file));
  assert.deepEqual(Object.keys(own), ["saved_at", "settings", "looks", "watched", "unseen", "reads"]);
  assert.equal(own.settings.api, null);
});
