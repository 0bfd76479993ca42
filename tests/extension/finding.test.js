import assert from "node:assert/strict";
import { test } from "node:test";

import { find } from "../../extension/lib/finding.js";
import { key, passageId } from "../../extension/lib/keys.js";

function passage(text, lang = "en") {
  return { id: passageId(text, lang), head: key(text).slice(0, 24), length: key(text).length };
}

function found(blocks, texts, lang = "en") {
  const places = find(blocks, texts.map((text) => passage(text, lang)), lang);
  return places.map(({ block, start, end }) => blocks[block].slice(start, end));
}

test("a sentence is found inside its block, in whatever typography", () => {
  const blocks = ["First one. Our staff  listen\u00a0to “samples” of it. Last one."];
  assert.deepEqual(found(blocks, ['Our staff listen to "samples" of it.']), [
    "Our staff  listen\u00a0to “samples” of it.",
  ]);
});

test("what only begins alike is not marked", () => {
  const blocks = ["We listen to samples of recordings in the open office.", "We listen to samples of recordings, twice."];
  assert.deepEqual(found(blocks, ["We listen to samples of recordings, twice."]), [blocks[1]]);
});

test("a passage that stands twice is marked twice, in page order", () => {
  const blocks = ["b. A person listens.", "A person listens. c."];
  assert.deepEqual(
    find(blocks, [passage("A person listens.")], "en").map(({ block, start }) => [block, start]),
    [[0, 3], [1, 0]],
  );
});

test("ligatures, accents in two characters and hidden hyphens do not hide a passage", () => {
  const text = "Un e\u0301tudiant lit l’o\ufb03ce\u00ad publié.";
  assert.deepEqual(found([`Avant. ${text} Après.`], ["Un étudiant lit l'office publié."], "fr"), [text]);
});

test("Hangul that composes across characters is found", () => {
  const text = "\u1112\u1161\u11ab 사람이 듣습니다.";
  assert.deepEqual(found([`앞. ${text}`], [text.normalize("NFC")], "ko"), [text]);
});

test("a passage never runs over the end of a block", () => {
  assert.deepEqual(found(["We listen to", "samples."], ["We listen to samples."]), []);
});

test("another language's passage is another passage", () => {
  const one = passage("Menu", "fr");
  assert.deepEqual(find(["Menu"], [one], "en"), []);
});

test("a passage of an older bundle, without a head, is left alone", () => {
  assert.deepEqual(find(["x"], [{ id: "0", head: null, length: null }], "en"), []);
});

test("a line that a page repeats without end is marked a bounded number of times", () => {
  const blocks = Array.from({ length: 5000 }, () => "Somebody may listen.");
  assert.equal(found(blocks, ["Somebody may listen."]).length, 20);
});
