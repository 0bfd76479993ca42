/** The words of the language that the settings name. */

import { Words, nearest } from "../lib/words.js";
import { browserLanguage, packaged } from "../platform/browser.js";
import { settings } from "./store.js";

/** @returns {Promise<Words>} */
export async function words() {
  const { language } = await settings();
  const lang = nearest(language === "auto" ? browserLanguage() : language);
  const messages = await packaged(`_locales/${lang}/messages.json`);
  return new Words(lang, JSON.parse(messages ?? "{}"));
}
