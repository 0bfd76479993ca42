/** When the bundle is fetched, and when it counts as old. */

const HOUR = 60; // minutes
const EARLIEST = 6 * HOUR;
const SPREAD = 12 * HOUR;
const DAY = 24 * HOUR * 60_000; // milliseconds
const STALE_DAYS = 7; // pages are crawled twice a day, so after a week something is wrong

/**
 * Minutes until the next fetch: anew each time, so that no rhythm tells one person from another.
 * @param {number} chance from 0 to 1
 */
export function delay(chance) {
  return EARLIEST + Math.floor(chance * SPREAD);
}

/** Whole days that lie between. @param {string} since @param {number} now */
export function days(since, now) {
  return Math.max(0, Math.floor((now - Date.parse(since)) / DAY));
}

/** @param {string | null} asOf @param {number} now */
export function isStale(asOf, now) {
  return asOf === null || days(asOf, now) >= STALE_DAYS;
}
