/**
 * Shapes of JSON values: each reads a value and gives what of it is understood, bounded.
 *
 * What a shape does not name is left out, so a newer server may say more. What it names and is
 * of another kind is refused with its place, because a half-understood answer is worse than an
 * older one.
 */

export class Misshapen extends Error {}

/** Why a document was not taken: "newer" (of a later version) or "broken". */
export class Refused extends Error {
  /** @param {"newer" | "broken"} kind @param {string} detail */
  constructor(kind, detail) {
    super(detail);
    this.kind = kind;
  }
}

/** @template T @typedef {(value: unknown, place: string) => T} Shape */

/** @param {string} place @param {string} expected @returns {never} */
function refuse(place, expected) {
  throw new Misshapen(`${place || "the document"}: expected ${expected}`);
}

/** @param {number} longest in UTF-16 units @returns {Shape<string>} */
export function text(longest = 4000) {
  return (value, place) => {
    if (typeof value !== "string") return refuse(place, "text");
    if (value.length > longest) return refuse(place, `at most ${longest} characters`);
    return value;
  };
}

/** @type {Shape<number>} */
export function count(value, place) {
  if (!Number.isSafeInteger(value) || Number(value) < 0) return refuse(place, "a whole number");
  return Number(value);
}

/** @type {Shape<boolean>} */
export function truth(value, place) {
  return typeof value === "boolean" ? value : refuse(place, "true or false");
}

/** A time in ISO 8601. @type {Shape<string>} */
export function time(value, place) {
  const said = text(40)(value, place);
  return Number.isNaN(Date.parse(said)) ? refuse(place, "a time") : said;
}

/** An address of the web, or null where it is something else: it is shown as no link then.
 * @type {Shape<string | null>} */
export function address(value, place) {
  if (value === null || value === undefined) return null;
  const said = text(4000)(value, place);
  return URL.canParse(said) && /^https?:$/.test(new URL(said).protocol) ? said : null;
}

/** @template T @param {Shape<T>} shape @returns {Shape<T | null>} */
export function maybe(shape) {
  return (value, place) => (value === null || value === undefined ? null : shape(value, place));
}

/** What an older server leaves out is read as that instead.
 * @template T @param {Shape<T>} shape @param {unknown} instead @returns {Shape<T>} */
export function orElse(shape, instead) {
  return (value, place) => shape(value ?? instead, place);
}

/** @template T @param {Shape<T>} shape @param {number} most @returns {Shape<T[]>} */
export function list(shape, most = 2000) {
  return (value, place) => {
    if (!Array.isArray(value)) return refuse(place, "a list");
    if (value.length > most) return refuse(place, `at most ${most} entries`);
    return value.map((entry, i) => shape(entry, `${place}[${i}]`));
  };
}

/** @template T @param {Shape<T>} shape @param {number} most @returns {Shape<Record<string, T>>} */
export function table(shape, most = 2000) {
  return (value, place) => {
    const entries = Object.entries(object(value, place));
    if (entries.length > most) return refuse(place, `at most ${most} entries`);
    const read = entries.map(([name, entry]) => [name, shape(entry, `${place}.${name}`)]);
    return Object.fromEntries(read);
  };
}

/**
 * @template {Record<string, Shape<any>>} F
 * @param {F} fields
 * @returns {Shape<{ [K in keyof F]: ReturnType<F[K]> }>}
 */
export function record(fields) {
  return (value, place) => {
    const given = object(value, place);
    const read = Object.entries(fields).map(([name, shape]) => [
      name,
      shape(Object.hasOwn(given, name) ? given[name] : undefined, place ? `${place}.${name}` : name),
    ]);
    return Object.fromEntries(read);
  };
}

/** @param {unknown} value @param {string} place @returns {Record<string, unknown>} */
function object(value, place) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(place, "an object");
  }
  return /** @type {Record<string, unknown>} */ (value);
}

/**
 * A document of ours as understood.
 * @template T
 * @param {string} json @param {string} field that holds its version @param {number} known version
 * @param {Shape<T>} shape @returns {T} @throws {Refused}
 */
export function document(json, field, known, shape) {
  const given = parsed(json);
  const version = given?.[field];
  if (Number.isSafeInteger(version) && version > known) {
    throw new Refused("newer", `${field} ${version}`);
  }
  if (version !== known) throw new Refused("broken", `no ${field}`);
  try {
    return shape(given, "");
  } catch (error) {
    if (error instanceof Misshapen) throw new Refused("broken", error.message);
    throw error;
  }
}

/** @param {string} json @returns {any} */
function parsed(json) {
  try {
    return JSON.parse(json);
  } catch {
    throw new Refused("broken", "not JSON");
  }
}
