/** Which vendor a person meets at an address: all of it is decided here, from the index alone. */

/** @typedef {import("./bundle.js").Index} Index */
/** @typedef {import("./bundle.js").Listed} Listed */

/**
 * @typedef {object} Met
 * @property {Listed} vendor
 * @property {string[]} assistants ids of those met there; empty: all of the vendor
 * @property {string | null} page id of the policy page that this address is, if it is one
 */

/** @param {Index} index @param {string | undefined} url @returns {Met | null} */
export function met(index, url) {
  if (!url || !URL.canParse(url)) return null;
  const here = new URL(url);
  if (!/^https?:$/.test(here.protocol)) return null;
  return (
    onPolicyPage(index, here, ({ url }) => [url]) ??
    onPolicyPage(index, here, ({ earlier }) => earlier) ??
    onSite(index, here)
  );
}

/** @param {Index} index @param {URL} here
 * @param {(page: Listed["pages"][number]) => string[]} addresses those of a page that count
 * @returns {Met | null} */
function onPolicyPage(index, here, addresses) {
  for (const vendor of index.vendors) {
    const page = vendor.pages.find((one) => addresses(one).some((url) => isPage(new URL(url), here)));
    if (page) return { vendor, assistants: [], page: page.id };
  }
  return null;
}

/** The site that says most about the address wins: the longer host, then one with paths.
 * @param {Index} index @param {URL} here @returns {Met | null} */
function onSite(index, here) {
  /** @type {{weight: number, met: Met} | null} */
  let best = null;
  for (const vendor of index.vendors) {
    for (const site of vendor.sites) {
      if (!isUnder(site.host, here.hostname) || !isOnPath(site.paths, here.pathname)) continue;
      const weight = 2 * site.host.length + (site.paths.length ? 1 : 0);
      if (best && best.weight >= weight) continue;
      best = { weight, met: { vendor, assistants: site.assistants, page: null } };
    }
  }
  return best && best.met;
}

/** Whether an address shows a page: same host and path, and every parameter that the page names.
 * @param {URL} page @param {URL} here */
export function isPage(page, here) {
  if (bare(page.hostname) !== bare(here.hostname)) return false;
  if (trimmed(page.pathname) !== trimmed(here.pathname)) return false;
  return [...page.searchParams].every(([name, value]) => here.searchParams.get(name) === value);
}

/** @param {string} host @param {string} hostname */
export function isUnder(host, hostname) {
  const at = hostname.endsWith(".") ? hostname.slice(0, -1) : hostname;
  return at === host || at.endsWith(`.${host}`);
}

/** Prefixes, or `*` patterns of the whole path. @param {string[]} paths @param {string} pathname */
export function isOnPath(paths, pathname) {
  if (!paths.length) return true;
  return paths.some((path) =>
    path.includes("*") ? fits(path.split("*"), pathname) : pathname.startsWith(path),
  );
}

/** Piece by piece from the left: no pattern can make this run long.
 * @param {string[]} pieces around the stars @param {string} pathname */
function fits(pieces, pathname) {
  const [first, ...rest] = pieces;
  const last = rest.pop() ?? "";
  if (!pathname.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = pathname.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return pathname.length - last.length >= at && pathname.endsWith(last);
}

/** A `*` pattern or prefix as RE2, for the browser's own matching. @param {string} path */
export function asExpression(path) {
  const escaped = path.split("*").map((piece) => piece.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"));
  return path.includes("*") ? `${escaped.join("[^?#]*")}([?#].*)?$` : escaped[0];
}

/** @param {string} hostname */
function bare(hostname) {
  return hostname.replace(/^www\./, "");
}

/** @param {string} pathname */
function trimmed(pathname) {
  return pathname.replace(/\/+$/, "");
}

/** Origins of everywhere a vendor is met, as the browser asks a person about them.
 * @param {Listed} vendor @returns {string[]} */
export function origins(vendor) {
  const hosts = vendor.sites.map((site) => site.host);
  const pages = vendor.pages.map((page) => bare(new URL(page.url).hostname));
  const alone = pages.filter((host) => !hosts.some((site) => isUnder(site, host)));
  return [...new Set([...hosts, ...alone])].map((host) => `*://*.${host}/*`);
}
