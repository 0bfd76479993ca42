/** What changed since a person last looked: compared by the ids of changes, which never alter. */

/** @typedef {import("./bundle.js").Vendor} Vendor */
/** @typedef {import("./bundle.js").Change} Change */

/**
 * @typedef {object} Look what is remembered of a look at a vendor
 * @property {string} at when, ISO 8601
 * @property {string[]} changes ids of those that the bundle held then
 * @property {string | null} oldest when the oldest of them was confirmed
 */

/** @param {Vendor} vendor @param {string} at @returns {Look} */
export function look(vendor, at) {
  const confirmed = vendor.changes.map((change) => change.confirmed_at).sort(byTime);
  return { at, changes: vendor.changes.map(({ id }) => id), oldest: confirmed[0] ?? null };
}

/**
 * The changes that came since, newest first. Nobody who never looked has missed anything.
 *
 * A bundle holds the last few of a vendor. One that is older than all that were there at the
 * last look is no news: it came into sight because the server shows more of them now.
 * @param {Vendor} vendor @param {Look | undefined} last @returns {Change[]}
 */
export function since(vendor, last) {
  if (!last) return [];
  const known = new Set(last.changes);
  const { oldest } = last;
  return vendor.changes.filter(
    (change) => !known.has(change.id) && (!oldest || byTime(change.confirmed_at, oldest) >= 0),
  );
}

/**
 * @typedef {object} Follows
 * @property {string[]} vendors ids
 * @property {string[]} topics names; empty: all
 */

/** @typedef {{id: string, vendor: string}} Event */

/**
 * Events of followed vendors that came with a bundle.
 * @param {Vendor[]} vendors @param {Follows} follows @param {Record<string, Look>} held
 * @returns {Event[]} oldest first
 */
export function events(vendors, follows, held) {
  return vendors
    .filter((vendor) => follows.vendors.includes(vendor.id))
    .flatMap((vendor) =>
      since(vendor, held[vendor.id])
        .filter((change) => isAbout(change, follows.topics))
        .map((change) => ({ id: change.id, vendor: vendor.id, at: change.confirmed_at })),
    )
    .sort((a, b) => byTime(a.at, b.at))
    .map(({ id, vendor }) => ({ id, vendor }));
}

/** @param {Change} change @param {string[]} topics */
function isAbout(change, topics) {
  return !topics.length || change.topics.some((topic) => topics.includes(topic));
}

/** @param {string} one @param {string} other */
function byTime(one, other) {
  return Date.parse(one) - Date.parse(other);
}

/**
 * What stood on a policy page when it was read with marks.
 * @typedef {object} Seen
 * @property {string} at when the reading began, ISO 8601
 * @property {string | null} version_id
 * @property {{id: string, topics: string[], text: string}[]} passages
 */

/** What is remembered of a page: its last reading, and the one before.
 * @typedef {Seen & {before: Seen | null}} Read */

const SITTING = 60 * 60_000; // milliseconds: who comes back within the hour is still reading

/** The reading to compare a page with. @param {Read | undefined} last @param {number} now
 * @returns {Seen | undefined} */
export function baseline(last, now) {
  return (isGoingOn(last, now) ? last?.before : last) ?? undefined;
}

/** What is to be remembered of a reading: what was new stays new until the person is through.
 * @param {{version_id: string | null, passages: Seen["passages"]}} seen
 * @param {Read | undefined} last @param {number} now @returns {Read} */
export function sitting(seen, last, now) {
  const at = last && isGoingOn(last, now) ? last.at : new Date(now).toISOString();
  const base = baseline(last, now);
  const before = base ? { at: base.at, version_id: base.version_id, passages: base.passages } : null;
  return { at, ...seen, before };
}

/** @param {Read | undefined} last @param {number} now */
function isGoingOn(last, now) {
  return last !== undefined && now - Date.parse(last.at) < SITTING;
}

/** @typedef {"same" | "new" | "reworded"} Novelty */

/**
 * How a passage on the page stands to what was there at the last reading.
 * @param {string} id @param {string} text @param {Seen | undefined} last @param {Change[]} changes of this page
 * @returns {Novelty}
 */
export function novelty(id, text, last, changes) {
  if (!last || last.passages.some((passage) => passage.id === id)) return "same";
  return rewording(text, changes) ? "reworded" : "new";
}

/**
 * The edit that gave a passage its present words, as runs.
 * @param {string} text @param {Change[]} changes @returns {string[][] | null}
 */
export function rewording(text, changes) {
  for (const { edits } of changes) {
    const found = edits.find((edit) => edit.kind === "replaced" && after(edit.runs) === text);
    if (found) return found.runs;
  }
  return null;
}

/** @param {string[][]} runs */
function after(runs) {
  return runs
    .filter(([kind]) => kind !== "removed")
    .map(([, words]) => words)
    .join("");
}

/** Passages of the last reading that are there no more. @param {Seen | undefined} last @param {Set<string>} now */
export function vanished(last, now) {
  return last ? last.passages.filter((passage) => !now.has(passage.id)) : [];
}
