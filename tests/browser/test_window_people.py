"""Accounts in the browser: registering, the password, devices, and what admins do."""

from __future__ import annotations

import io
import time

import pyotp
import pytest
from PIL import Image
from playwright.async_api import expect

pytestmark = pytest.mark.browser

PASSWORD = "correct horse"


async def page_of(window, name: str):
    """A page of the settings."""
    settings = await window.settings()
    await settings.get_by_role("tab", name=name, exact=True).click()
    return settings.get_by_role("tabpanel")


async def fill(dialog, **fields: str) -> None:
    for label, text in fields.items():
        await dialog.get_by_label(label.replace("_", " "), exact=True).fill(text)


async def test_an_account_is_made_once_an_admin_agrees(stage):
    async with stage(settings={"auth": {"registration": "approval"}}, accounts={"root": "admin"}) as here:
        here.forgive("status of 40[03]")
        root, ann = await here.window(), await here.window()
        await root.sign_in("root")
        await ann.goto()
        await ann.page.get_by_role("button", name="Create an account").click()
        dialog = ann.page.get_by_role("dialog")
        await fill(dialog, Your_name="ann", Password="password")
        await ann.page.keyboard.press("Enter")
        await expect(dialog.get_by_role("alert")).to_contain_text("commonest passwords")
        await expect(dialog.get_by_label("Password")).to_be_focused()
        await fill(dialog, Password=PASSWORD)
        await ann.page.keyboard.press("Enter")
        await expect(dialog).to_contain_text("An admin has to agree first")
        await ann.page.keyboard.press("Escape")
        await expect(root.log).to_contain_text("ann has registered")
        accounts = await page_of(root, "Accounts")
        await expect(accounts).to_contain_text("waits for approval")
        await accounts.get_by_role("button", name="Approve: ann").click()
        await expect(accounts.get_by_role("combobox", name="Role of ann")).to_have_value("member")
        await ann.sign_in("ann")
        # What an admin does takes effect at once.
        await accounts.get_by_role("button", name="Disable: ann").click()
        await expect(accounts).to_contain_text("disabled")
        await expect(ann.page.get_by_role("alert")).to_contain_text("You have been signed out")
        await accounts.get_by_role("button", name="Erase: ann").click()
        sure = root.page.get_by_role("dialog", name="Erase ann")
        await expect(sure).to_contain_text("0 messages")
        await sure.get_by_role("button", name="Erase", exact=True).click()
        await expect(root.page.locator(".toast").filter(has_text="ann is erased")).to_be_visible()


async def test_an_invite_brings_people_in_and_into_a_room(stage):
    async with stage(accounts={"mod": "moderator"}) as here:
        mod, ann = await here.window(), await here.window()
        await mod.sign_in("mod")
        await expect(ann.page.get_by_role("button", name="Create an account")).to_be_hidden()
        invites = await page_of(mod, "Invites")
        await invites.get_by_label("Also into the room").select_option("general")
        await invites.get_by_role("button", name="Make a link").click()
        await expect(invites).to_contain_text("into #general")
        link = await invites.get_by_role("code").inner_text()
        await ann.page.goto(link)
        dialog = ann.page.get_by_role("dialog")
        await fill(dialog, Your_name="ann", Password=PASSWORD)
        await dialog.get_by_role("button", name="Create an account").click()
        await ann.ready()
        assert "invite" not in ann.page.url


async def test_the_password_and_the_devices_are_ones_own(stage):
    async with stage(accounts={"root": "admin"}) as here:
        here.forgive("status of 401")
        await here.server.services.accounts.add("ann", PASSWORD, "member")
        ann, other, root = await here.window(), await here.window(), await here.window()
        for window, name in ((ann, "ann"), (other, "ann"), (root, "root")):
            await window.sign_in(name)
        devices = await page_of(ann, "Devices")
        await expect(devices.get_by_role("listitem")).to_have_count(2)
        await expect(devices.get_by_text("this one")).to_have_count(1)
        await devices.get_by_role("button", name="End Chrome").click()
        await expect(devices.get_by_role("listitem")).to_have_count(1)
        await expect(other.page.get_by_role("alert")).to_contain_text("You have been signed out")
        await ann.page.get_by_role("tab", name="Account", exact=True).click()
        account = ann.page.get_by_role("tabpanel")
        await fill(account, Current_password="wrong horse", New_password="another horse")
        await ann.page.keyboard.press("Enter")
        await expect(account.get_by_role("alert")).to_contain_text("The current password is wrong.")
        await fill(account, Current_password=PASSWORD, New_password="another horse")
        await ann.page.keyboard.press("Enter")
        await expect(
            ann.page.get_by_role("status").filter(has_text="Your password is changed.")
        ).to_be_visible()
        await expect(account.get_by_label("New password")).to_have_value("")
        # A token for a program is shown once.
        await ann.page.get_by_role("tab", name="Tokens", exact=True).click()
        tokens = ann.page.get_by_role("tabpanel")
        await fill(tokens, **{"What is it for?": "backup"})
        await tokens.get_by_role("checkbox", name="message.post").uncheck()
        await tokens.get_by_role("button", name="Make a token").click()
        shown = ann.page.get_by_role("dialog", name="Tokens")
        token = await shown.get_by_label("Token", exact=True).input_value()
        assert (await here.server.api("GET", "rooms", token=token))[0] == 200
        assert (await here.server.api("POST", "rooms/general/messages", {"content": "x"}, token=token))[
            0
        ] == 403
        await shown.get_by_role("button", name="Close").click()
        await expect(tokens.get_by_role("listitem")).to_contain_text("backup")
        await expect(tokens).not_to_contain_text(token)
        # Forgotten: an admin makes a link.
        accounts = await page_of(root, "Accounts")
        await accounts.get_by_role("button", name="New password link: ann").click()
        link = (
            await root.page.get_by_role("dialog", name="New password link").get_by_label("Link").input_value()
        )
        await other.page.goto(link)
        dialog = other.page.get_by_role("dialog")
        await fill(dialog, New_password="a third horse")
        await dialog.get_by_role("button", name="Save").click()
        await other.ready()
        await expect(ann.page.get_by_role("alert")).to_contain_text("You have been signed out")


async def test_a_second_step_is_set_up_and_asked_for(stage):
    async with stage() as here:
        here.forgive("status of 401")
        await here.server.services.accounts.add("ann", PASSWORD, "member")
        ann = await here.window()
        await ann.sign_in("ann")
        step = await page_of(ann, "Second step")
        await step.get_by_role("button", name="Set it up").click()
        await expect(step.locator("img")).to_be_visible()
        secret = (await step.get_by_role("code").inner_text()).replace(" ", "")
        await fill(step, Code="000000")
        await ann.page.keyboard.press("Enter")
        await expect(step.get_by_role("alert")).to_contain_text("not right")
        await fill(step, Code=pyotp.TOTP(secret).at(time.time() - 30))
        await step.get_by_role("button", name="Switch it on").click()
        await expect(step.get_by_role("listitem")).to_have_count(10)
        recovery = await step.get_by_role("listitem").first.inner_text()
        other = await here.window()
        await other.goto()
        page = other.page
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_label("Your name").fill("ann")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="One more step")
        await fill(dialog, Code="123456")
        await page.keyboard.press("Enter")
        await expect(dialog.get_by_role("alert")).to_contain_text("not right")
        await fill(dialog, Code=recovery)
        await page.keyboard.press("Enter")
        await other.ready()


async def test_an_account_is_deleted_by_its_owner(stage):
    async with stage() as here:
        here.forgive("status of 401")
        await here.server.services.accounts.add("ann", PASSWORD, "member")
        ann = await here.window()
        await ann.sign_in("ann")
        account = await page_of(ann, "Account")
        async with ann.page.expect_download() as coming:
            await account.get_by_role("link", name="Download what you wrote").click()
        assert (await coming.value).suggested_filename == "chat-data.jsonl"
        await account.get_by_role("button", name="Delete the account").click()
        dialog = ann.page.get_by_role("dialog", name="Delete the account")
        await fill(dialog, Password="wrong horse")
        await ann.page.keyboard.press("Enter")
        await expect(dialog.get_by_role("alert")).not_to_be_empty()
        await fill(dialog, Password=PASSWORD)
        async with ann.page.expect_event("load"):
            await ann.page.keyboard.press("Enter")
        await expect(ann.page.get_by_role("button", name="Start talking")).to_be_visible()


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(out, "JPEG")
    return out.getvalue()


async def test_what_others_see_of_one_and_of_whom_one_wants_to_hear_nothing(stage):
    async with stage(accounts={"ann": "member", "bob": "member"}, timeouts={"calls": 60}) as here:
        here.forgive("status of 403")
        ann, bob = await here.window(), await here.window(viewport={"width": 390, "height": 844})
        for window, name in ((ann, "ann"), (bob, "bob")):
            await window.sign_in(name)
            await window.parts()
        # A picture and a name with a space, which the other one sees at once.
        page = await page_of(ann, "Your picture")
        file = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": photo()}
        await page.get_by_label("Choose a picture…").set_input_files(file)
        await expect(page).to_contain_text("Others see your picture now.", timeout=60_000)
        await ann.page.get_by_role("tab", name="Profile", exact=True).click()
        await page.get_by_label("Name", exact=True).fill("Ann Smith")
        await page.get_by_label("Name", exact=True).press("Tab")
        await expect(ann.page.locator(".me-name")).to_have_text("Ann Smith")
        await page.get_by_label("Who may add you to rooms").select_option("ask")
        await expect(page.get_by_label("Who may add you to rooms")).to_have_value("ask")
        await ann.page.keyboard.press("Escape")
        await ann.say("hello")
        said = await bob.sees("hello")
        await expect(said.locator(".author")).to_have_text("Ann Smith")
        await expect(said.locator(".avatar img")).to_have_js_property("naturalWidth", 192)
        # An invitation waits for its answer.
        await bob.say("you fool")
        await here.server.services.room_service.create(
            await here.server.services.accounts.find("bob"), "tea", {"title": "Tea", "kind": "private"}
        )
        await bob.type("/invite ann tea")
        await bob.page.keyboard.press("Enter")
        await ann.page.get_by_role("button", name="Join", exact=True).click()
        await expect(ann.page.get_by_role("heading", level=1)).to_have_text("Tea")
        await ann.open("General")
        # Blocked: folded away, by the card, and shown where one wants it.
        rude = await ann.sees("you fool")
        await rude.locator(".author").click()
        await ann.page.get_by_role("button", name="Block", exact=True).click()
        folded = ann.page.locator(".message", has_text="Of a person whom you have blocked.")
        await expect(folded).to_have_count(1)
        await expect(ann.page.locator(".log")).not_to_contain_text("you fool")
        await folded.get_by_role("button", name="Show it").click()
        await ann.sees("you fool")
        page = await page_of(ann, "Blocked people")
        await page.get_by_role("button", name="Unblock").click()
        await expect(page).to_contain_text("You have blocked no one.")
