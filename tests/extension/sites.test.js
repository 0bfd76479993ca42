import assert from "node:assert/strict";
import { test } from "node:test";

import { asExpression, isOnPath, isPage, isUnder, met, origins } from "../../extension/lib/sites.js";

const VENDORS = [
  {
    id: "shop",
    name: "Shop",
    assistants: [{ id: "ada", name: "Ada" }],
    sites: [
      { host: "ada.shop.example", paths: [], assistants: ["ada"] },
      { host: "shop.example", paths: ["/ada", "/*-Orb-*"], assistants: ["ada"] },
    ],
    pages: [{ id: "shop.faq.en", url: "https://www.shop.example/help/display.html?node=7", earlier: [] }],
    verdict: "yes",
  },
  {
    id: "maker",
    name: "Maker",
    assistants: [],
    sites: [{ host: "maker.example", paths: [], assistants: [] }],
    pages: [
      { id: "maker.terms.en", url: "https://law.example/terms/", earlier: ["https://old.example/t", "https://law.example/new"] },
      { id: "maker.new.en", url: "https://law.example/new", earlier: [] },
    ],
    verdict: "no",
  },
];
const INDEX = { as_of: null, languages: [], topics: {}, stances: {}, vendors: VENDORS };

function at(url) {
  const found = met(INDEX, url);
  return found && { vendor: found.vendor.id, assistants: found.assistants, page: found.page };
}

test("a host stands for its subdomains, and for nobody who is only called alike", () => {
  assert.ok(isUnder("shop.example", "shop.example"));
  assert.ok(isUnder("shop.example", "www.shop.example"));
  assert.ok(isUnder("shop.example", "shop.example."));
  assert.ok(!isUnder("shop.example", "notshop.example"));
  assert.ok(!isUnder("shop.example", "shop.example.evil.test"));
  assert.equal(at("https://notmaker.example/"), null);
});

test("a shop is a vendor only where it sells the assistant", () => {
  assert.equal(at("https://www.shop.example/books"), null);
  assert.equal(at("https://www.shop.example/ada-settings").vendor, "shop");
  assert.equal(at("https://www.shop.example/x/Big-Orb-2/dp").vendor, "shop");
  assert.equal(at("https://ada.shop.example/").assistants[0], "ada");
});

test("a policy page is known by its address, wherever it stands", () => {
  assert.equal(at("https://law.example/terms").page, "maker.terms.en");
  assert.equal(at("https://www.law.example/terms/#part-2").page, "maker.terms.en");
  assert.equal(at("https://law.example/terms/old"), null);
  const faq = "https://www.shop.example/help/display.html";
  assert.equal(at(`${faq}?lang=en&node=7`).page, "shop.faq.en");
  assert.equal(at(`${faq}?node=8`), null);
});

test("a page is known by where it stood before, unless another stands there now", () => {
  assert.equal(at("https://old.example/t/?from=mail").page, "maker.terms.en");
  assert.equal(at("https://law.example/new").page, "maker.new.en");
  assert.equal(at("https://old.example/other"), null);
});

test("what is no address of the web is nobody's", () => {
  for (const url of [undefined, "", "about:blank", "chrome://newtab/", "file:///maker.example", "::"]) {
    assert.equal(at(url), null, String(url));
  }
});

test("a path without a star is a prefix, one with a star fits the whole path", () => {
  assert.ok(isOnPath([], "/anything"));
  assert.ok(isOnPath(["/a"], "/ab"));
  assert.ok(!isOnPath(["/a"], "/b/a"));
  assert.ok(isOnPath(["/*/echo-*"], "/en/echo-dot"));
  assert.ok(!isOnPath(["/*/echo-*"], "/echo-dot"));
  assert.ok(isOnPath(["/*.html"], "/a/b.html"));
  assert.ok(!isOnPath(["/*.html"], "/a/b.html5"));
  assert.ok(!isOnPath(["/ab*ba"], "/aba"), "one letter cannot serve both ends");
});

test("a hostile pattern takes no longer than a plain one", () => {
  const pattern = `/${"*a".repeat(240)}`;
  const started = performance.now();
  assert.ok(!isOnPath([pattern], `/${"a".repeat(200)}b`));
  assert.ok(performance.now() - started < 50);
});

test("the browser's own matching agrees with ours", () => {
  const paths = ["/ada", "/*-Orb-*", "/*/echo-*", "/a.b(c"];
  const tried = ["/ada", "/adab", "/x-Orb-y", "/x/echo-1", "/echo-1", "/a.b(c", "/aXb(c", "/"];
  for (const path of paths) {
    const expression = new RegExp(`^https?://[^/]*(${asExpression(path)})`);
    for (const one of tried) {
      assert.equal(expression.test(`https://h.example${one}`), isOnPath([path], one), `${path} ${one}`);
      assert.equal(expression.test(`https://h.example${one}?q=/ada`), isOnPath([path], one));
    }
  }
});

test("a permission is asked for the vendor's own hosts and its pages' hosts", () => {
  assert.deepEqual(origins(VENDORS[1]), ["*://*.maker.example/*", "*://*.law.example/*"]);
  assert.deepEqual(origins(VENDORS[0]), ["*://*.ada.shop.example/*", "*://*.shop.example/*"]);
});

test("a page without parameters is found with any, and another host's is not", () => {
  const page = new URL("http://a.example/p");
  assert.ok(isPage(page, new URL("https://www.a.example/p/?utm=1")));
  assert.ok(!isPage(page, new URL("https://b.example/p")));
});
