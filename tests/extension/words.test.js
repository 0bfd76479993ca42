import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { byWay, chiefWay, family, inOrder, sentences, short, topicName, wayName } from "../../extension/lib/answers.js";
import { days, delay, isStale } from "../../extension/lib/schedule.js";
import { LANGUAGES, Words, nearest } from "../../extension/lib/words.js";

const ROOT = new URL("../../extension/", import.meta.url);
const MESSAGES = Object.fromEntries(
  LANGUAGES.map((lang) => [
    lang,
    JSON.parse(readFileSync(new URL(`_locales/${lang}/messages.json`, ROOT), "utf8")),
  ]),
);
const words = (lang) => new Words(lang, MESSAGES[lang]);
const places = (message) => (message.match(/\{\w+\}/g) ?? []).sort().join();

test("every language says everything, with the same places to fill", () => {
  assert.deepEqual(readdirSync(new URL("_locales", ROOT)).sort(), [...LANGUAGES].sort());
  for (const lang of LANGUAGES) {
    assert.deepEqual(Object.keys(MESSAGES[lang]).sort(), Object.keys(MESSAGES.en).sort(), lang);
    for (const [name, { message }] of Object.entries(MESSAGES[lang])) {
      assert.ok(message.trim(), `${lang} ${name}`);
      assert.equal(places(message), places(MESSAGES.en[name].message), `${lang} ${name}`);
    }
    for (const sort of ["yes", "opt_out", "opt_in", "no", "unclear", "not_stated", "not_read"]) {
      assert.ok(MESSAGES[lang][`badge_${sort}`].message.length <= 5, "a badge is narrow");
    }
  }
});

function sources(folder = ROOT) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "node_modules" || entry.name === "tools" || entry.name.startsWith(".")) return [];
    const at = new URL(entry.name + (entry.isDirectory() ? "/" : ""), folder);
    if (entry.isDirectory()) return sources(at);
    return /\.(js|html)$/.test(entry.name) ? [readFileSync(at, "utf8")] : [];
  });
}

test("every message that the code names is there, and every one that is there is used", () => {
  const code = sources().join("\n") + readFileSync(new URL("manifest.json", ROOT), "utf8");
  const named = [...code.matchAll(/(?:say|data-say|data-label)(?:\(|=)"(\w+)"/g)].map(([, name]) => name);
  const counted = [...code.matchAll(/count\(\s*"(\w+)"/g)].map(([, name]) => name);
  assert.ok(named.length > 80);
  for (const name of named) assert.ok(MESSAGES.en[name], name);
  for (const name of counted) assert.ok(MESSAGES.en[`${name}_one`] && MESSAGES.en[`${name}_other`], name);
  for (const name of Object.keys(MESSAGES.en)) {
    const stem = name.replace(/_(one|other)$/, "");
    const family_ = stem.replace(/_[a-z]+(_[a-z]+)?$/, "_");
    const used = [`"${stem}"`, `__MSG_${stem}__`, `\`${family_}$`].some((way) => code.includes(way))
      || ["`topic_$", "`stated_$", "`verdict_$", "`badge_$", "`trouble_$"].some((way) => stem.startsWith(way.slice(1, -1)));
    assert.ok(used, `${name} is said nowhere`);
  }
});

test("no page has a word of its own", () => {
  for (const name of ["popup/popup.html", "panel/panel.html", "options/options.html", "welcome/welcome.html"]) {
    const page = readFileSync(new URL(name, ROOT), "utf8");
    const said = page.replace(/<title>Earwitness<\/title>/, "").replace(/<[^>]*>/g, "").trim();
    assert.equal(said, "", name);
    assert.doesNotMatch(page, /\son\w+=|style=|<script>/);
  }
});

test("numbers take the right forms", () => {
  assert.equal(words("en").count("found", 1), "1 vendor");
  assert.equal(words("en").count("found", 0), "0 vendors");
  assert.equal(words("fr").count("found", 0), "0 fournisseur", "French counts nought as one");
  assert.equal(words("fr").count("found", 2), "2 fournisseurs");
  assert.match(words("fr").count("found", 1_000_000), /fournisseurs$/, "a million is `many`");
  assert.match(words("es").count("found", 1_000_000), /proveedores$/);
  assert.equal(words("de").count("marked", 1), "1 Satz markiert");
});

test("the nearest language is taken, else English", () => {
  assert.equal(nearest("de-AT"), "de");
  assert.equal(nearest("ES-419"), "es");
  assert.equal(nearest("ja"), "en");
});

test("what is filled in is not filled again", () => {
  assert.equal(words("en").say("follow", { vendor: "{vendor} {date}" }), "Follow {vendor} {date}");
  assert.throws(() => words("en").say("no such thing"));
});

const ANSWER = {
  standing: "stated", stance: "opt_out", also: ["no", "strange"], summary: {}, since: "2025-02-03T08:00:00Z",
  observed: true, as_of: null, pages_read: 3, pages_unread: 0, quotes: [], quotes_total: 0,
};
const NAMES = { vendor: "Quendrivox", assistants: ["Tessquill", "Ada"] };

test("an answer is told in every language, by the server's words where it has them", () => {
  const served = { ...ANSWER, summary: { fr: ["Dit par le serveur."] } };
  assert.deepEqual(sentences(served, "human_review", NAMES, words("fr")), ["Dit par le serveur."]);
  const german = sentences(served, "human_review", NAMES, words("de"));
  assert.equal(german.length, 3);
  assert.match(german[0], /Quendrivox .*Tessquill und Ada.* aus/);
  assert.match(german[2], /3\. Februar 2025/);
  for (const lang of LANGUAGES) {
    for (const stance of ["yes", "opt_out", "opt_in", "no", "unclear", "of tomorrow"]) {
      assert.match(sentences({ ...ANSWER, stance }, "human_review", NAMES, words(lang))[0], /Quendrivox/);
    }
    for (const standing of ["stated", "not_stated", "not_read"]) {
      for (const topic of ["human_review", "retention", "of_tomorrow"]) {
        const [told] = sentences({ ...ANSWER, standing, stance: null }, topic, NAMES, words(lang));
        assert.match(told, /Quendrivox/, `${lang} ${standing} ${topic}`);
        assert.doesNotMatch(told, /[{}]/);
      }
    }
  }
});

test("names that are newer than the extension are the server's", () => {
  const index = { topics: { smell: { en: "Smell" } }, stances: { maybe: { en: "Maybe" } }, directions: { up: { en: "Up" } }, languages: [], vendors: [], as_of: null };
  assert.equal(topicName("smell", index, words("de")), "Smell");
  assert.equal(topicName("constructor", index, words("de")), "constructor");
  assert.equal(short("maybe", index, words("fr")), "Maybe");
  assert.equal(short("constructor", index, words("en")), "Left open");
  assert.deepEqual(inOrder(["smell", "retention", "human_review"]), ["human_review", "retention", "smell"]);
  assert.equal(family(["retention", "choice"]), "choice");
  assert.equal(family(["smell"]), "recording");
});

test("a change says which way it goes, what weighs most first", () => {
  const topics = ["retention", "human_review", "choice", "training", "smell"];
  const directions = { human_review: "unclear", retention: "worse", choice: "unclear", training: "better" };
  assert.deepEqual(byWay({ topics, directions }), [
    ["worse", ["retention"]],
    ["better", ["training"]],
    ["unclear", ["human_review", "choice"]],
    [null, ["smell"]],
  ]);
  assert.equal(chiefWay({ topics, directions }), "better", "of the topics in their order the first that is clear");
  assert.equal(chiefWay({ topics, directions: { ...directions, human_review: "worse" } }), "worse");
  assert.equal(chiefWay({ topics: ["choice"], directions }), "unclear");
  assert.equal(chiefWay({ topics, directions: {} }), null, "an older server tells no way");
});

test("a way that is newer than the extension is named by the server", () => {
  const index = { topics: {}, stances: {}, directions: { up: { en: "Up" } }, languages: [], vendors: [], as_of: null };
  assert.equal(wayName("up", index, words("de")), "Up");
  assert.equal(wayName("constructor", index, words("es")), "Sentido incierto");
  assert.equal(wayName("worse", index, words("de")), "Schlechter für Sie");
});

test("the first of a month is written as people do", () => {
  assert.equal(words("fr").day("2025-06-01T00:00:00Z"), "1er juin 2025");
  assert.equal(words("fr").day("2025-06-11T00:00:00Z"), "11 juin 2025");
  assert.equal(words("es").day("2025-06-01T00:00:00Z"), "1 de junio de 2025");
});

test("a language is named in the reader's own, and what is none stays as it is", () => {
  assert.equal(words("de").language("fr"), "Französisch");
  assert.equal(words("en").language("not a tag"), "not a tag");
});

test("fetches are spread, and data grows old", () => {
  assert.equal(delay(0), 360);
  assert.ok(delay(0.999999) < 1080);
  const now = Date.parse("2026-03-10T00:00:00Z");
  assert.equal(days("2026-03-03T12:00:00Z", now), 6);
  assert.ok(!isStale("2026-03-03T12:00:00Z", now));
  assert.ok(isStale("2026-03-03T00:00:00Z", now));
  assert.ok(isStale(null, now));
});
