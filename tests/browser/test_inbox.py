"""The inbox in a browser: by keyboard, on a phone, without scripts, live, and without barriers when it is full."""

from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import Browser, Page, expect

from leadkeeper.access.roles import Role
from leadkeeper.crm import timeline
from tests.browser.conftest import Visitor
from tests.browser.looks import LOOKS, Reader
from tests.browser.town import Town, running
from tests.web import talks

EXAMPLES = ("rich", "media", "doubt", "closed_window", "opted_out", "closed")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A server of its own, with a busy inbox."""
    with running(tmp_path_factory.mktemp("inbox")) as served:
        yield served


@pytest.fixture(scope="module")
def ids(town: Town) -> Mapping[str, int]:
    """Conversations by what they are an example of."""
    found: Mapping[str, int] = town.db.write_now(talks.everything)
    return found


def ready(page: Page) -> Page:
    """The page once its scripts have started."""
    page.wait_for_function("document.documentElement.classList.contains('js')")
    return page


@pytest.fixture(scope="module", params=LOOKS)
def read(request: pytest.FixtureRequest, browser: Browser, town: Town) -> Iterator[Reader]:
    reader = Reader(browser, town, request.param)
    yield reader
    reader.visitor.close()


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_conversation_has_no_barrier(read: Reader, ids: Mapping[str, int], example: str) -> None:
    page = read(f"/inbox/{ids[example]}", Role.AGENT)
    for box in page.locator("details.edit > summary, details.templates > summary").all():
        box.click()

    assert read.barriers(page) == ""
    assert [words for words in read.complaints if "status of 404" not in words] == []  # pictures that are only rows here


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("example", EXAMPLES)
def test_a_phone_shows_one_pane_and_the_composer_is_in_reach(
    visit: Visitor, ids: Mapping[str, int], example: str, language: str
) -> None:
    visit.expected = ("404", "Not Found")
    page = visit(f"/inbox/{ids[example]}?view=all", Role.AGENT, width=390, language=language)

    assert page.evaluate("document.documentElement.scrollWidth") == 390
    expect(page.locator(".list-pane")).to_be_hidden()
    expect(page.locator(".lead-pane")).to_be_hidden()
    expect(page.locator("#composer")).to_be_in_viewport()
    page.locator(".pane-lead").click()
    expect(page.locator("#lead")).to_be_visible()
    page.locator(".lead-pane .pane-back").click()
    page.locator(".talk-head .pane-back").click()
    expect(page.locator("#list")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_voice_note_can_be_reached_with_a_finger(visit: Visitor, ids: Mapping[str, int], width: int) -> None:
    visit.expected = ("404", "Not Found")
    page = visit(f"/inbox/{ids['media']}?view=all", Role.AGENT, width=width)

    box = page.locator("audio").bounding_box()

    assert box is not None
    assert box["width"] >= 240


def test_one_can_work_by_keyboard_alone(visit: Visitor, ids: Mapping[str, int]) -> None:
    page = ready(visit("/inbox?view=all&q=priya", Role.AGENT))

    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.locator("#talk-name")).to_contain_text("Priya Nambiar")
    page.keyboard.press("n")
    expect(page.locator("#note")).to_be_focused()
    page.keyboard.type("Will call at six")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".bubble.is-note", has_text="Will call at six")).to_be_visible()
    page.keyboard.press("t")
    expect(page.locator("#talk-head")).to_contain_text("You answer")
    page.keyboard.press("r")
    page.keyboard.type("Good morning")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".bubble.is-out", has_text="Good morning")).to_contain_text("Queued")
    expect(page.locator("#text")).to_be_focused()
    expect(page.locator("#text")).to_have_value("")


def test_a_draft_waits_for_its_writer(visit: Visitor, ids: Mapping[str, int]) -> None:
    page = ready(visit(f"/inbox/{ids['arabic']}?view=all", Role.AGENT))
    page.fill("#text", "half a sent")

    page.goto(page.url.split("/inbox")[0] + f"/inbox/{ids['mine']}")
    ready(page)
    assert page.input_value("#text") == ""
    page.go_back()
    ready(page)

    expect(page.locator("#text")).to_have_value("half a sent")


def test_what_a_colleague_does_appears_while_one_writes(visit: Visitor, town: Town, ids: Mapping[str, int]) -> None:
    page = ready(visit(f"/inbox/{ids['doubt']}?view=all", Role.AGENT))
    page.fill("#text", "I am writing")

    town.db.write_now(lambda conn: timeline.add(conn, "note", conversation_id=ids["doubt"], text="He called the office"))

    expect(page.locator("#thread")).to_contain_text("He called the office")
    assert page.input_value("#text") == "I am writing"


def test_everything_works_without_scripts(visit: Visitor, ids: Mapping[str, int]) -> None:
    page = visit(f"/inbox/{ids['mine']}?view=all", Role.AGENT, java_script_enabled=False)

    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_role("status")).to_contain_text("This conversation is yours.")
    page.locator("#text").fill("Without scripts")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".bubble.is-out", has_text="Without scripts")).to_be_visible()
    page.locator("label[for=way-note]").click()
    expect(page.locator("#text")).to_be_hidden()
    page.locator("#note").fill("Only for us")
    page.get_by_role("button", name="Keep the note").click()
    expect(page.locator(".bubble.is-note", has_text="Only for us")).to_be_visible()
    page.get_by_text("Change the lead").click()
    page.get_by_label("Company").fill("Palm Trading")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#lead")).to_contain_text("Palm Trading")
    assert page.url.endswith(f"/inbox/{ids['mine']}?view=all")
