/** Firefox, once: asks whether the bundle may be fetched, because there a fetch needs a grant
 * to carry nothing that tells this installation from another. */

import * as browser from "../platform/browser.js";
import * as store from "../state/store.js";
import { originOf } from "../state/update.js";
import { words as load } from "../state/words.js";
import { speak } from "../ui/elements.js";

const words = await load();
const { api } = await store.settings();
const allow = /** @type {HTMLButtonElement} */ (document.getElementById("allow"));
const later = /** @type {HTMLButtonElement} */ (document.getElementById("later"));
const said = /** @type {HTMLElement} */ (document.getElementById("said"));

speak(words);
document.title = words.say("welcome_title");
allow.textContent = words.say("welcome_allow", { host: api ? new URL(api).host : "" });
allow.hidden = !api;
allow.addEventListener("click", () => void allowed());
later.addEventListener("click", () => close());

async function allowed() {
  const granted = Boolean(api) && (await browser.request({ origins: [originOf(api ?? "")] }));
  if (!granted) return void (said.textContent = words.say("not_granted"));
  said.textContent = words.say("updating");
  const { outcome } = await browser.ask({ update: true });
  said.textContent = words.say(`update_${outcome}`);
  allow.hidden = outcome !== "failed";
  return undefined;
}
