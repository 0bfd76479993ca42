"""Every screen in every state, both browsers, light and dark: axe finds nothing to mend.

EARWITNESS_PICTURES=DIR keeps a picture of each.
"""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path

import pytest

from tests import fixtures_browsers as b
from tests.fixtures_browsers import API_HOST
from tests.recording_web import relayed
from tests.sampleweb import SampleWeb, editions
from tests.test_extension_popup import newer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
AXE = ROOT / "extension" / "node_modules" / "axe-core" / "axe.min.js"
NOTICE = "http://www.quendrivox.example/legal/speech-privacy"
SHOP = "https://shop.quendrivox.example/tessquill"
GRANTED = [f"https://{API_HOST}/*"]
RUN = """axe.run().then(({ violations }) => violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`))"""


@pytest.fixture(scope="module")
def browser(name, sample_bundle, web, tmp_path_factory):
    if not AXE.exists():
        pytest.skip("no axe-core: make extension-check installs it")
    folder = tmp_path_factory.mktemp("extension") / name
    # axe runs among the extension's own files here, so nothing of its policy is loosened.
    page = "popup/popup.html"
    with_axe = {
        page: lambda code: code.replace(b"</head>", b'<script src="/axe.js"></script></head>')
    }
    for other in ("options/options.html", "panel/panel.html", "welcome/welcome.html"):
        with_axe[other] = with_axe[page]
    b.pack(folder, name, json.dumps(sample_bundle).encode(), granted=GRANTED, planted=with_axe)
    (folder / "axe.js").write_bytes(AXE.read_bytes())
    with SampleWeb(at=editions()[-1]) as sample_web:
        web.hosts["www.quendrivox.example"] = relayed(sample_web.address)
        web.hosts[API_HOST] = b.served(json.dumps(sample_bundle).encode())
        with b.running(name, folder, web.address) as started:
            yield started


@pytest.fixture(autouse=True)
def _fresh(browser):
    b.fresh(browser)


def picture_of(browser, name):
    folder = os.environ.get("EARWITNESS_PICTURES")
    if not folder:
        return None
    Path(folder).mkdir(exist_ok=True)
    return Path(folder, f"{browser.name}-{name}.png")


POPUPS = {
    "vendor": (SHOP, ""),
    "policy-page": (NOTICE, ""),
    "unknown-site": ("https://elsewhere.example/", ""),
    "everything-open": (SHOP, 'for (const one of all("details")) one.open = true;'),
    "nothing-found": (
        "https://elsewhere.example/",
        '$("#search").value = "zz"; $("#search").dispatchEvent(new view.Event("input"));',
    ),
}


@pytest.mark.parametrize("state", POPUPS)
def test_the_popup_has_nothing_that_axe_would_mend(browser, state):
    url, steps = POPUPS[state]
    tab = browser.visit(url)
    with b.popup(browser, tab) as popup:
        popup.run(steps)
        found = popup.run(f"return view.{RUN}")
        assert found == []
        if path := picture_of(browser, f"popup-{state}"):
            browser.popup_picture(path)
    browser.close_tab(tab)


TROUBLES = {
    "offline": lambda _: None,
    "newer-schema": b.served(b'{"schema_version": 7}'),
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("language", ["fr", "es"])
def test_the_popup_in_trouble_has_nothing_that_axe_would_mend(browser, web, trouble, language):
    b.fresh(browser, language=language)
    first = web.hosts[API_HOST]
    web.hosts[API_HOST] = TROUBLES[trouble]
    assert b.background(browser, {"update": True})["outcome"] == "failed"
    web.hosts[API_HOST] = first
    tab = browser.visit(SHOP)
    with b.popup(browser, tab) as popup:
        assert popup.run('return Boolean($(".trouble"))')
        assert popup.run(f"return view.{RUN}") == []
        if path := picture_of(browser, f"popup-{trouble}-{language}"):
            browser.popup_picture(path)
    browser.close_tab(tab)


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_panel_has_nothing_that_axe_would_mend(browser, language):
    b.fresh(browser, language=language)
    tab = browser.visit(NOTICE)
    with b.reading(browser, tab) as panel:
        panel.run("""all(".stepper button")[1].click();
            await until(() => $(".marks .current") && $(".where").textContent);""")
        looked_at(browser, panel, f"panel-{language}")
        browser.bring_to_front(browser.control)
        panel.run('await until(() => !$(".marks"))')
        looked_at(browser, panel, f"panel-elsewhere-{language}")
    browser.close_tab(tab)


def looked_at(browser, panel, name):
    """axe finds nothing in the panel, and it is no wider than it may be."""
    assert panel.run(f"return view.{RUN}") == []
    assert panel.run("return d.documentElement.scrollWidth <= view.innerWidth")
    if path := picture_of(browser, name):
        browser.panel_picture(path)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 900])
def test_the_pages_have_nothing_that_axe_would_mend(browser, web, sample_bundle, dark, width):
    later = newer(copy.deepcopy(sample_bundle))
    first = web.hosts[API_HOST]
    pages = ["options/options.html", "welcome/welcome.html", "popup/popup.html"]
    pages += [f"popup/popup.html?vendor={v['id']}" for v in sample_bundle["vendors"][2:3]]
    tab = browser.visit(browser.address(pages[-1]))
    web.hosts[API_HOST] = b.served(json.dumps(later).encode())
    b.background(browser, {"update": True})
    browser.emulate(tab, dark=dark, width=width)
    for page in [pages[-1], *pages[:3]]:
        browser.go(tab, browser.address(page))
        b.eventually(lambda: browser.eval_in(tab, "document.documentElement.dir") == "ltr")
        b.eventually(
            lambda: browser.eval_in(tab, "!document.querySelector('main[aria-busy=true]')")
        )
        assert browser.eval_in(tab, RUN) == [], page
        assert browser.eval_in(tab, "document.documentElement.scrollWidth") <= width
        shade = "dark" if dark else "light"
        kind = page.split("/")[-1].replace(".html?vendor=", "-").replace(".html", "")
        if path := picture_of(browser, f"{kind}-{width}-{shade}"):
            browser.picture(tab, path)
    browser.emulate(tab, dark=False)
    browser.close_tab(tab)
    web.hosts[API_HOST] = first


def test_the_popup_can_be_used_by_keyboard_alone(browser):
    tab = browser.visit(browser.address("popup/popup.html"))
    b.eventually(lambda: browser.eval_in(tab, "Boolean(document.querySelector('#search'))"))
    script = """[...document.querySelectorAll('a[href], button, input, select, summary')]
      .filter((one) => one.getClientRects().length)
      .every((one) => one.tabIndex >= 0 && (one.textContent.trim() || one.labels?.length))"""
    assert browser.eval_in(tab, script)
    browser.close_tab(tab)
