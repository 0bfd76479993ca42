/** Words in a person's language: messages, plural forms, dates, lists. */

export const LANGUAGES = /** @type {const} */ (["en", "fr", "de", "es"]);
const FORMATS = { en: "en-GB", fr: "fr-FR", de: "de-DE", es: "es-ES" };

/** @typedef {typeof LANGUAGES[number]} Language */
/** @typedef {Record<string, {message: string}>} Messages as in `_locales` */
/** @typedef {Record<string, string | number>} Values */

/** The nearest language that there is. @param {string} wanted a language tag @returns {Language} */
export function nearest(wanted) {
  const [language] = wanted.toLowerCase().split("-");
  return LANGUAGES.find((one) => one === language) ?? "en";
}

export class Words {
  #messages;
  #plural;
  #format;

  /** @param {Language} lang @param {Messages} messages */
  constructor(lang, messages) {
    this.lang = lang;
    this.#messages = messages;
    this.#format = FORMATS[lang];
    this.#plural = new Intl.PluralRules(lang);
  }

  /** @param {string} name @param {Values} [values] @returns {string} */
  say(name, values = {}) {
    if (!Object.hasOwn(this.#messages, name)) throw new Error(`no words for "${name}"`);
    return filled(this.#messages[name].message, values);
  }

  /** Words that go with a number: `name_one`, `name_other` and what else the language has.
   * @param {string} name @param {number} n @param {Values} [values] */
  count(name, n, values = {}) {
    const form = `${name}_${this.#plural.select(n)}`;
    const chosen = Object.hasOwn(this.#messages, form) ? form : `${name}_other`;
    return this.say(chosen, { n: this.number(n), ...values });
  }

  /** @param {string} name */
  has(name) {
    return Object.hasOwn(this.#messages, name);
  }

  /** @param {number} n */
  number(n) {
    return new Intl.NumberFormat(this.#format).format(n);
  }

  /** A date as people write it, in UTC. @param {string} at */
  day(at) {
    return this.#date(at, { dateStyle: "long", timeZone: "UTC" });
  }

  /** @param {string} at @param {Intl.DateTimeFormatOptions} how */
  #date(at, how) {
    const written = new Intl.DateTimeFormat(this.#format, how).format(Date.parse(at));
    return this.lang === "fr" ? written.replace(/^1 /, "1er ") : written;
  }

  /** A moment where the person is. @param {string} at */
  moment(at) {
    return this.#date(at, { dateStyle: "long", timeStyle: "short" });
  }

  /** A language's own tag as a name. @param {string} tag */
  language(tag) {
    try {
      return new Intl.DisplayNames(this.#format, { type: "language" }).of(tag) ?? tag;
    } catch {
      return tag; // no language tag at all
    }
  }

  /** @param {string[]} names */
  list(names) {
    return new Intl.ListFormat(this.#format, { type: "conjunction" }).format(names);
  }

  /** Of texts by language the one to show, with its language.
   * @template T @param {Record<string, T>} texts @returns {{lang: string, value: T} | null} */
  pick(texts) {
    const order = [this.lang, "en", ...Object.keys(texts)];
    const lang = order.find((one) => Object.hasOwn(texts, one));
    return lang === undefined ? null : { lang, value: texts[lang] };
  }
}

/** @param {string} message @param {Values} values */
function filled(message, values) {
  return message.replace(/\{(\w+)\}/g, (whole, name) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  );
}
