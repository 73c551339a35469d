from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Any:
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next((found for name in names if (found := shutil.which(name))), None)
    assert executable, "no Chromium: run `make chromium`"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield started
        started.close()


PAGES = ["index.html", "split_certificate.html"]
PATIENCE = 300_000.0  # ms: a busy machine is no fault of the page


def blank(browser: Any, width: int = 1280, height: int = 800, scheme: Any = "light") -> Any:
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.set_default_timeout(PATIENCE)
    return page


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [375, 390, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_everywhere(browser: Any, full: Path, name: str, width: int, scheme: str) -> None:
    page = blank(browser, width, scheme=scheme)
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto((full / "reports" / name).as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert sum(url.startswith("file:") for url in requests) == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    broken = "[...document.images].filter(one => !one.complete || !one.naturalWidth).length"
    assert page.evaluate(broken) == 0
    page.close()


CONTRAST = """
() => {
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => [r, g, b].map(v => linear(v / 255))
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = node => {
    for (; node; node = node.parentElement) {
      const c = rgb(getComputedStyle(node).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const low = [];
  const all = 'p, h1, h2, h3, td, th, li, span, a, figcaption, dd, dt, b, svg text';
  for (const node of document.querySelectorAll(all)) {
    if (!node.textContent.trim()) continue;
    const style = getComputedStyle(node);
    const ink = rgb(node.namespaceURI.endsWith('svg') ? style.fill : style.color);
    const [a, b] = [light(ink), light(ground(node))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push(node.textContent.trim().slice(0, 40) + ' ' + ratio.toFixed(2));
  }
  return low;
}
"""


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(browser: Any, full: Path, name: str, scheme: str) -> None:
    page = blank(browser, scheme=scheme)
    page.goto((full / "reports" / name).as_uri())
    assert page.evaluate(CONTRAST) == []
    page.close()


@pytest.mark.parametrize("name", PAGES)
def test_paper_is_light(browser: Any, full: Path, name: str) -> None:
    page = blank(browser, scheme="dark")
    page.goto((full / "reports" / name).as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()


def test_the_certificate_is_one_click_away_and_leads_back(browser: Any, full: Path) -> None:
    page = blank(browser, 375)
    page.goto((full / "reports/index.html").as_uri())
    page.get_by_role("link", name="split certificate").first.click()
    assert page.get_by_role("heading", level=1).inner_text() == "Does the split leak?"
    assert page.locator(".card").inner_text().startswith("? unproven")
    for anchor in ("#alike", "#leakage", "#limits"):
        page.locator(f"nav a[href='{anchor}']").click()
        assert page.locator(anchor).is_visible()
    page.get_by_role("link", name="The whole report").click()
    assert "Has the detector proven itself" in page.get_by_role("heading", level=1).inner_text()
    page.close()


WORDS_IN_FIGURES = """
() => {
  const wrong = [];
  for (const svg of document.querySelectorAll('figure.plot svg')) {
    const name = svg.getAttribute('aria-label').slice(0, 40);
    const frame = svg.getBoundingClientRect();
    const scale = frame.width / svg.viewBox.baseVal.width;
    const texts = [...svg.querySelectorAll('text')].map(node => [
      node.textContent, node.getBoundingClientRect(), parseFloat(getComputedStyle(node).fontSize) * scale]);
    texts.forEach(([text, box, size], place) => {
      if (size < 8) wrong.push(`${name}: ${text} is ${size.toFixed(1)} px`);
      if (box.left < frame.left - 2 || box.right > frame.right + 2) wrong.push(`${name}: ${text} is cut`);
      for (const [other, its] of texts.slice(place + 1)) {
        const wide = Math.min(box.right, its.right) - Math.max(box.left, its.left);
        const high = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
        if (wide > 2 && high > 3) wrong.push(`${name}: ${text} lies on ${other}`);
      }
    });
  }
  return wrong;
}
"""


@pytest.mark.parametrize("width", [375, 1280])
def test_words_in_figures_are_large_enough_and_apart(browser: Any, full: Path, width: int) -> None:
    page = blank(browser, width)
    page.goto((full / "reports/index.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.locator("figure.plot svg").count() > 10
    assert page.evaluate(WORDS_IN_FIGURES) == []
    page.close()


def test_the_first_screen_is_the_verdicts_and_details_wait(browser: Any, full: Path) -> None:
    page = blank(browser, height=1000)
    page.goto((full / "reports/index.html").as_uri())
    assert page.locator("header").bounding_box()["height"] < 1000
    assert page.locator("header .card").count() == 3
    assert page.locator("details[open]").count() == 0
    for name in ("Table 4a", "Table 4c", "Table 5.", "Table 5b", "Table 10.", "Table 11.", "Table 12"):
        caption = page.locator(".caption", has_text=name).first
        assert not caption.is_visible(), name
    page.locator("summary", has_text="Tables 10, 10b").click()
    assert page.locator(".caption", has_text="Table 10.").is_visible()
    for anchor in page.locator("nav a").all():
        assert page.locator(anchor.get_attribute("href")).count() == 1
    page.close()


def test_pictures_on_a_phone_are_a_strip_that_keys_can_move(browser: Any, full: Path) -> None:
    page = blank(browser, 375)
    page.goto((full / "reports/index.html").as_uri())
    strip = page.locator(".gallery").first
    assert strip.evaluate("one => one.scrollWidth > one.clientWidth")
    strip.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("one => one.scrollLeft > 0", arg=strip.element_handle())
    page.close()
