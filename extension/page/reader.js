// Reads a page's text and marks places in it; the page's own DOM stays as it is.
//
// Injected into the isolated world, where the page's scripts do not see it. It decides nothing:
// what to mark is found by the extension from the blocks of text that `read` gives.
(() => {
  // The same tags as in policies/text.py.
  const BLOCKS = new Set(
    ("ADDRESS ARTICLE ASIDE BLOCKQUOTE BODY CAPTION CENTER DD DETAILS DIALOG DIR DIV DL DT FIELDSET" +
      " FIGCAPTION FIGURE FOOTER FORM H1 H2 H3 H4 H5 H6 HEADER HGROUP HR LEGEND LI MAIN MENU NAV OL" +
      " P PRE SECTION SUMMARY TABLE TBODY TD TFOOT TH THEAD TR UL").split(" "),
  );
  const SILENT = new Set(
    ("AUDIO CANVAS DATALIST EMBED HEAD IFRAME INPUT MAP MATH NOSCRIPT OBJECT OPTION SCRIPT SELECT" +
      " STYLE SVG TEMPLATE TEXTAREA VIDEO").split(" "),
  );
  const CELLS = new Set(["TD", "TH"]);
  const HEADINGS = "h1,h2,h3,h4,h5,h6";
  const STRUCTURE = `${HEADINGS},table,ul,ol`;
  const CURRENT = "earwitness-current";

  /** @typedef {{node: Text | null, start: number, text: string}} Piece */
  /** @type {{pieces: Piece[], length: number}[]} */
  let blocks = [];
  /** @type {Range[]} */
  let ranges = [];
  /** @type {string[]} */
  let names = [];

  /** What is not read, of selectors that this browser understands. @param {string[]} selectors */
  function skipped(selectors) {
    const known = selectors.filter((selector) => {
      try {
        document.createDocumentFragment().querySelector(selector);
        return true;
      } catch {
        return false;
      }
    });
    return new Set(known.length ? document.querySelectorAll(known.join(", ")) : []);
  }

  /** @param {Element} root @param {Set<Element>} skip */
  function walk(root, skip) {
    /** @type {Piece[]} */
    let pieces = [];
    let length = 0;
    let rows = 0; // open table rows whose cells make one line
    const add = (/** @type {string} */ text, /** @type {Text | null} */ node = null) => {
      pieces.push({ node, start: length, text });
      length += text.length;
    };
    const end = () => {
      if (pieces.some((piece) => piece.node)) blocks.push({ pieces, length });
      pieces = [];
      length = 0;
    };
    const boundary = (/** @type {Element} */ element, /** @type {boolean} */ opens) => {
      const tag = element.tagName;
      const isRow = tag === "TR" && !element.querySelector(STRUCTURE);
      if (!rows || isRow) end();
      else if (!CELLS.has(tag)) add(" ");
      else if (opens && pieces.length) add(" | ");
      if (isRow) rows += opens ? 1 : -1;
    };
    /** @type {Node | null} */
    let node = root;
    while (node) node = visit(node) && node.firstChild ? node.firstChild : after(node);
    end();

    /** What comes after a node and all that is in it. @param {Node} left @returns {Node | null} */
    function after(left) {
      for (let at = left; at !== root; at = /** @type {Node} */ (at.parentNode)) {
        if (at instanceof Element && entered.has(at)) boundary(at, false);
        if (at.nextSibling) return at.nextSibling;
      }
      return null;
    }

    /** @param {Node} at */
    function visit(at) {
      if (at instanceof Text) {
        if (at.data) add(at.data, at);
        return false;
      }
      if (!(at instanceof Element)) return false;
      const tag = at.tagName.toUpperCase();
      if (skip.has(at) || SILENT.has(tag) || (tag === "BUTTON" && !at.closest(HEADINGS))) return false;
      if (tag === "BR") add(" ");
      if (BLOCKS.has(tag)) {
        entered.add(at);
        boundary(at, true);
      }
      return true;
    }
  }
  /** Blocks that the walk is in. @type {Set<Element>} */
  const entered = new Set();

  /** @param {string[]} remove CSS @returns {string[]} the text of each block, in page order */
  function read(remove) {
    blocks = [];
    entered.clear();
    walk(document.body ?? document.documentElement, skipped(remove));
    entered.clear();
    return blocks.map(({ pieces }) => pieces.map(({ text }) => text).join(""));
  }

  /** @param {number} block @param {number} start @param {number} end */
  function rangeOf(block, start, end) {
    const { pieces } = blocks[block];
    const range = document.createRange();
    const [first, from] = point(pieces, start, true);
    const [last, to] = point(pieces, end, false);
    range.setStart(first, from);
    range.setEnd(last, to);
    return range;
  }

  /** @param {Piece[]} pieces @param {number} at @param {boolean} opens @returns {[Text, number]} */
  function point(pieces, at, opens) {
    const texts = pieces.filter(({ node, text }) => node && text);
    const inside = opens
      ? texts.find(({ start, text }) => at < start + text.length)
      : texts.findLast(({ start }) => start < at);
    const { node, start, text } = inside ?? texts[opens ? texts.length - 1 : 0];
    return [/** @type {Text} */ (node), Math.max(0, Math.min(at - start, text.length))];
  }

  /**
   * Mark places, each with the name of its highlight. Earlier marks go.
   * @param {{block: number, start: number, end: number, name: string}[]} places
   */
  function mark(places) {
    clear();
    ranges = places.map(({ block, start, end }) => rangeOf(block, start, end));
    for (const name of new Set(places.map((place) => place.name))) {
      const own = ranges.filter((_, i) => places[i].name === name);
      CSS.highlights.set(name, new Highlight(...own));
      names.push(name);
    }
    return ranges.map((range) => range.toString());
  }

  function clear() {
    for (const name of [...names, CURRENT]) CSS.highlights.delete(name);
    names = [];
    ranges = [];
  }

  /** Bring a place into view. @param {number} i @returns {"shown" | "folded" | "gone"} */
  function show(i) {
    const range = ranges[i];
    if (!range?.startContainer.isConnected) return "gone";
    const current = new Highlight(range);
    current.priority = 1;
    CSS.highlights.set(CURRENT, current);
    let element = range.startContainer.parentElement;
    const isFolded = !range.getClientRects().length;
    while (isFolded && element?.parentElement && !element.getClientRects().length) {
      element = element.parentElement;
    }
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    element?.scrollIntoView({ block: "center", behavior: calm ? "instant" : "smooth" });
    return isFolded ? "folded" : "shown";
  }

  /** How many places are marked now. */
  const marked = () => ranges.length;

  Object.assign(globalThis, { earwitness: { read, mark, clear, show, marked } });
})();
