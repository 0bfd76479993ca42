/**
 * The bundle as the extension keeps it: checked, and cut into what is looked up together.
 *
 * The index finds a vendor by an address; a vendor's record holds all that is shown of it.
 */

import { address, count, document, list, maybe, orElse, record, table, text, time, truth } from "./shape.js";

export const SCHEMA_VERSION = 1;

const name = text(200);
const byLanguage = table(text(), 100);

const period = record({
  since: maybe(time),
  until: maybe(time),
  observed: truth,
  standing: name,
  stance: maybe(name),
  quotes: list(name, 20),
});

const withdrawn = record({ quote: name, since: maybe(time), until: maybe(time) });

const onPage = record({ page_id: name, standing: name, stance: maybe(name), as_of: maybe(time) });

const contradiction = record({ gap: name, more: onPage, less: onPage });

const answer = record({
  standing: name,
  stance: maybe(name),
  also: list(name, 20),
  summary: table(list(text(), 20), 100),
  popup: maybe(table(list(record({ text: text() }), 10), 100)),
  since: maybe(time),
  observed: truth,
  as_of: maybe(time),
  pages_read: count,
  pages_unread: count,
  quotes: list(name, 100),
  quotes_total: count,
  before: orElse(list(period, 20), []),
  gone: orElse(list(withdrawn, 20), []),
  contradictions: orElse(list(contradiction, 100), []),
});

const quote = record({
  text: text(20_000),
  headings: list(text(), 20),
  stance: maybe(name),
  passage_id: name,
  page_id: name,
  url: address,
  language: name,
  captured_at: time,
  last_seen: time,
  version_id: name,
});

const passage = record({
  id: name,
  topics: list(name, 50),
  stance: maybe(name),
  head: maybe(text(100)),
  length: maybe(count),
});

const page = record({
  id: name,
  title: text(),
  url: address,
  earlier: orElse(list(address, 50), []),
  language: name,
  region: maybe(name),
  health: name,
  last_read_at: maybe(time),
  version_id: maybe(name),
  version_captured_at: maybe(time),
  remove: maybe(list(text(500), 100)),
  passages: list(passage, 20_000),
});

const run = list(text(20_000), 2);

const change = record({
  id: name,
  page_id: name,
  captured_at: time,
  confirmed_at: time,
  topics: list(name, 50),
  summary: table(list(text(), 20), 100),
  edits: list(record({ kind: name, topics: list(name, 50), runs: list(run, 5000) }), 200),
  edits_total: count,
  directions: orElse(table(name, 100), {}),
});

const vendor = record({
  id: name,
  name,
  as_of: maybe(time),
  assistants: list(record({ id: name, name, human_review: maybe(answer) }), 100),
  sites: list(record({ host: text(255), paths: list(text(500), 100), assistants: list(name, 100) })),
  controls: list(
    record({
      id: name,
      kind: name,
      assistants: list(name, 100),
      name: byLanguage,
      url: address,
      steps: table(list(text(), 50), 100),
    }),
    200,
  ),
  answers: table(answer, 100),
  quotes: table(quote),
  past_quotes: orElse(table(quote), {}),
  pages: list(page),
  changes: list(change, 200),
});

const bundle = record({
  as_of: maybe(time),
  languages: list(name, 100),
  topics: table(byLanguage, 100),
  stances: table(byLanguage, 100),
  directions: orElse(table(byLanguage, 100), {}),
  vendors: list(vendor, 5000),
});

/** @typedef {ReturnType<typeof answer>} Answer */
/** @typedef {ReturnType<typeof quote>} Quote */
/** @typedef {ReturnType<typeof passage>} Passage */
/** @typedef {ReturnType<typeof page>} Page */
/** @typedef {ReturnType<typeof change>} Change */
/** @typedef {ReturnType<typeof vendor>} Vendor */
/** @typedef {ReturnType<typeof contradiction>} Contradiction */
/** @typedef {ReturnType<typeof bundle>} Bundle */

/**
 * @typedef {object} Listed what of a vendor is needed to recognise it
 * @property {string} id
 * @property {string} name
 * @property {{id: string, name: string}[]} assistants
 * @property {Vendor["sites"]} sites
 * @property {{id: string, url: string, earlier: string[]}[]} pages
 * @property {string} verdict stance, or standing where there is none
 */

/**
 * @typedef {object} Index
 * @property {string | null} as_of
 * @property {string[]} languages that the server's own pages speak
 * @property {Bundle["topics"]} topics
 * @property {Bundle["stances"]} stances
 * @property {Bundle["directions"]} directions
 * @property {Listed[]} vendors
 */

/** A bundle as understood. @param {string} json @returns {Bundle} @throws {Refused} */
export const read = (json) => document(json, "schema_version", SCHEMA_VERSION, bundle);

/** What an older version of this extension kept, as this one reads it.
 * @param {Index} index @param {unknown[]} vendors @returns {Bundle} @throws {import("./shape.js").Misshapen} */
export function again(index, vendors) {
  return bundle({ ...index, vendors }, "");
}

/** What is looked up before a vendor is known. @param {Bundle} held @returns {Index} */
export function index(held) {
  return {
    as_of: held.as_of,
    languages: held.languages,
    topics: held.topics,
    stances: held.stances,
    directions: held.directions,
    vendors: held.vendors.map((one) => ({
      id: one.id,
      name: one.name,
      assistants: one.assistants.map(({ id, name: called }) => ({ id, name: called })),
      sites: one.sites,
      pages: one.pages.flatMap(({ id, url, earlier }) =>
        url ? [{ id, url, earlier: earlier.filter((at) => at !== null) }] : [],
      ),
      verdict: verdict(one.answers.human_review),
    })),
  };
}

/** An answer's sort: its stance, or whether it is stated.
 * @param {{standing: string, stance: string | null} | null | undefined} given */
export function verdict(given) {
  return given?.stance ?? given?.standing ?? "not_read";
}
