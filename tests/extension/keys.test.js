import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { key, keyed, passageId } from "../../extension/lib/keys.js";
import { sha256 } from "../../extension/lib/sha256.js";

const VECTORS = JSON.parse(
  readFileSync(new URL("../vectors/passage_keys.json", import.meta.url), "utf8"),
);

test("every shared vector has the core's key and id", () => {
  assert.ok(VECTORS.length > 50);
  for (const { lang, text, key: expected, id } of VECTORS) {
    assert.equal(key(text), expected, JSON.stringify(text));
    assert.equal(passageId(text, lang), id, JSON.stringify(text));
  }
});

test("each character of a key knows where it came from", () => {
  for (const { text } of VECTORS) {
    const { key: found, start, end } = keyed(text);
    for (let i = 0; i < found.length; i++) {
      assert.ok(start(i) < end(i) && end(i) <= text.length, JSON.stringify(text));
      assert.ok(i === 0 || start(i) >= start(i - 1), JSON.stringify(text));
      if (/[a-z0-9]/.test(found[i]) && end(i) - start(i) === 1 && text[start(i)] < "\x7f") {
        assert.equal(text[start(i)], found[i]);
      }
    }
  }
});

test("SHA-256 is SHA-256, at every length around a block", () => {
  for (let length = 0; length < 200; length++) {
    const text = "ä".repeat(length) + "x".repeat(length % 3);
    assert.equal(sha256(text), createHash("sha256").update(text).digest("hex"));
  }
});
