// Online Payments and Follow up as a receptionist uses them: rows that stay, many at once, the panel, keys, exports.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";
import { axe, eventually, fitsEveryWidth, makeAppointment, makeClinicFixture, openClinic, openDevice } from "./harness.mjs";
import { CARDS, Phone } from "./phone.mjs";

const HERE = "/financials/online-payments";

let clinic, browser, demo;
before(async () => {
  clinic = await openClinic();
  ({ browser, demo } = clinic);
});
after(() => clinic?.close());

/** A fresh patient with a link for this price in pence. */
async function asksFor(price, { send } = {}) {
  const fixture = await makeClinicFixture(demo.api, { price, deposit: { kind: "none" } });
  const appointment = await makeAppointment(demo.api, fixture);
  const link = await demo.api.post(`/appointments/${appointment.id}/payment-links`, { purpose: "balance" });
  if (send) await demo.api.post(`/payment-links/${link.id}/deliveries`, { channel: send });
  return { link, appointment, patient: fixture.patient };
}

const row = (desk, who) => desk.page.getByRole("row").filter({ hasText: who.patient.name });
const openList = async (desk, query = "") => {
  await desk.page.goto(`${HERE}${query}`);
  await desk.page.getByRole("heading", { level: 1, name: "Online Payments" }).waitFor();
};
const results = (desk) => desk.page.getByRole("dialog").getByRole("listitem");

/** Every page and window of ours, at both widths: nothing for axe in either theme, no sideways scroll. */
for (const device of ["desktop", "phone"]) {
  test(`the pages keep to the rules on a ${device}`, async () => {
    const who = await asksFor(4_150, { send: "sms" });
    const desk = await Desk.signIn(browser, demo, device);
    const states = [
      ["online-list", () => openList(desk)],
      ["online-search", () => openList(desk, "?q=nobody+of+this+name&status=sent")],
      ["online-reversed", () => openList(desk, "?from=2026-11-24&to=2026-11-01")],
      ["online-follow-up", () => openList(desk, "/follow-up")],
      ["online-follow-up-accessed", () => openList(desk, "/follow-up?why=accessed&sort=largest")],
      ["online-new", () => desk.page.goto(`${HERE}/new`)],
      ["online-timeline-page", () => desk.page.goto(`/payment-links/${who.link.id}/timeline`)],
      ["online-panel", async () => {
        await openList(desk);
        await row(desk, who).getByRole("link", { name: who.patient.name }).click();
        await desk.page.getByRole("dialog").waitFor();
      }],
      ["online-new-window", async () => {
        await openList(desk);
        await desk.page.getByRole("link", { name: "New link" }).click();
        await desk.page.getByRole("dialog").waitFor();
      }],
    ];
    for (const [name, go] of states) {
      await go();
      for (const colorScheme of ["light", "dark"]) {
        await desk.page.emulateMedia({ colorScheme });
        await desk.picture(`${name}-${colorScheme}`);
      }
      await axe(desk.page);
      await fitsEveryWidth(desk.page);
    }
    await desk.close();
  });
}

test("a new link is two choices away: the appointment, and how it is sent", async () => {
  const fixture = await makeClinicFixture(demo.api, { price: 9_900 });
  await makeAppointment(demo.api, fixture);
  const desk = await Desk.signIn(browser, demo);
  await openList(desk);
  await desk.page.getByRole("link", { name: "New link" }).click();
  const chooser = desk.page.getByRole("dialog");
  await chooser.getByRole("searchbox").pressSequentially(fixture.patient.name);
  const payer = chooser.getByRole("listitem").filter({ hasText: fixture.patient.name });
  await payer.getByRole("button", { name: /^Deposit £24\.75/ }).click();
  await desk.linkWindow.waitFor();
  await desk.linkWindow.getByText("£24.75").first().waitFor();
  await desk.sendViaSms();
  await desk.seesLinkBecome("Sent", 5_000);
  await desk.close();
});

test("rows stay where they are: one that changes changes in place, new ones are announced", async () => {
  const first = await asksFor(5_310);
  const desk = await Desk.signIn(browser, demo);
  await openList(desk);
  await desk.page.locator("[data-live-state]").first().waitFor();
  const tick = row(desk, first).getByRole("checkbox");
  await tick.check();
  const place = await row(desk, first).evaluate((element) => element.rowIndex);
  await demo.api.post(`/payment-links/${first.link.id}/deliveries`, { channel: "sms" });
  await row(desk, first).locator(".st").filter({ hasText: "Sent" }).waitFor();
  assert.ok(await tick.isChecked(), "what was ticked stays ticked");

  const second = await asksFor(5_320);
  await desk.page.getByRole("link", { name: "1 new link, show" }).waitFor();
  assert.equal(await row(desk, second).count(), 0, "nothing is pushed in");
  assert.equal(await row(desk, first).evaluate((element) => element.rowIndex), place);
  await desk.page.getByRole("link", { name: "1 new link, show" }).click();
  await row(desk, second).waitFor();
  await desk.close();
});

test("keys walk the rows, and the panel gives the focus back", async () => {
  const phone = await Phone.pickUp(browser, demo);
  const who = await asksFor(6_410, { send: "email" });
  await phone.openLink(who.link.url);
  await phone.continueWith("card");
  await phone.payByCard(CARDS.insufficientFunds);
  const desk = await Desk.signIn(browser, demo);
  await openList(desk);
  await desk.page.keyboard.press("j");
  const name = row(desk, who).getByRole("link", { name: who.patient.name });
  await eventually("the first row has the focus", () => name.evaluate((link) => link === document.activeElement));
  await desk.page.keyboard.press("j");
  await desk.page.keyboard.press("k");
  await desk.page.keyboard.press("x");
  assert.ok(await row(desk, who).getByRole("checkbox").isChecked());
  await desk.page.keyboard.press("Enter");
  const panel = desk.page.getByRole("dialog", { name: who.patient.name });
  await panel.getByText(/Opened by the patient/).waitFor();
  await panel.getByText(/Email to imogen/).first().waitFor();
  await panel.getByText(/Reference/).waitFor();
  await desk.page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
  assert.ok(await name.evaluate((link) => link === document.activeElement), "the focus is back on the row");

  // Typing is typing.
  await desk.page.getByRole("searchbox").first().focus();
  await desk.page.keyboard.type("jk");
  assert.equal(await desk.page.getByRole("searchbox").first().inputValue(), "jk");
  await phone.close();
  await desk.close();
});

test("the panel is a page where there is no script", async () => {
  const who = await asksFor(6_610, { send: "sms" });
  const device = await openDevice(browser, demo, "desktop", { javaScript: false });
  const desk = new Desk(device);
  await desk.page.goto("/");
  await desk.page.getByLabel("Email").fill(demo.email);
  await desk.page.getByLabel("Password", { exact: true }).fill(demo.password);
  await desk.page.getByRole("button", { name: "Sign in" }).click();
  await openList(desk);
  await row(desk, who).getByRole("checkbox").check();
  await row(desk, who).getByRole("link", { name: who.patient.name }).click();
  await desk.page.getByRole("heading", { level: 1, name: who.patient.name }).waitFor();
  await desk.page.getByText(/^SMS to 07700/).waitFor();
  // Several at once too, and their answers.
  await openList(desk);
  await row(desk, who).getByRole("checkbox").check();
  await desk.page.getByRole("button", { name: "Resend", exact: true }).last().click();
  await desk.page.getByRole("listitem").filter({ hasText: who.patient.name }).getByText("It was sent a moment ago").waitFor();
  await desk.close();
});

test("each of several links has an answer of its own, and none is sent twice", async () => {
  const [fresh, again, paid] = [await asksFor(7_110), await asksFor(7_120, { send: "sms" }), await asksFor(7_130)];
  const desk = await Desk.signIn(browser, demo);
  await openList(desk);
  for (const who of [fresh, again, paid]) await row(desk, who).getByRole("checkbox").check();
  await demo.api.post(`/payment-links/${paid.link.id}/cancel`);
  await row(desk, paid).locator(".st").filter({ hasText: "Cancelled" }).waitFor();
  const bar = desk.page.locator("#selection");
  await bar.getByText("3 links selected").waitFor();
  await bar.getByRole("button", { name: "Resend" }).click();
  await desk.page.getByRole("heading", { name: "1 of 3 links sent again" }).waitFor();
  await results(desk).filter({ hasText: fresh.patient.name }).getByText(/Texted to 07700 900/).waitFor();
  await results(desk).filter({ hasText: again.patient.name }).getByText("It was sent a moment ago").waitFor();
  await results(desk).filter({ hasText: paid.patient.name }).getByText("This link is cancelled").waitFor();
  await desk.picture("online-selection");
  await axe(desk.page);
  await desk.page.getByRole("button", { name: "Done" }).click();
  const sent = (await demo.api.tray()).filter((message) => message.text.includes("71.10"));
  assert.equal(sent.length, 1);

  await row(desk, fresh).getByRole("checkbox").check();
  await bar.getByRole("button", { name: "Cancel links" }).click();
  await desk.page.getByRole("button", { name: "Cancel the selected links" }).click();
  await desk.page.getByRole("heading", { name: "1 link cancelled" }).waitFor();
  await desk.page.getByRole("button", { name: "Done" }).click();
  await row(desk, fresh).locator(".st").filter({ hasText: "Cancelled" }).waitFor();

  await row(desk, fresh).getByRole("checkbox").check();
  await bar.getByRole("button", { name: "Renew and send" }).click();
  await results(desk).filter({ hasText: fresh.patient.name }).getByText(/New link for £71\.10\. Texted to/).waitFor();
  await desk.page.getByRole("button", { name: "Done" }).click();
  await desk.close();
});

test("a number is found however it is written, and wrong dates are refused kindly", async () => {
  const who = await asksFor(8_110);
  const national = `0${who.patient.phone.slice(3)}`;
  const desk = await Desk.signIn(browser, demo);
  const ways = [
    national,
    `${national.slice(0, 5)} ${national.slice(5)}`,
    `+44 (0)${national.slice(1)}`,
    `0044 ${national.slice(1, 5)}.${national.slice(5)}`,
    who.link.reference,
  ].filter(Boolean);
  for (const way of ways) {
    await openList(desk, `?q=${encodeURIComponent(way)}`);
    await row(desk, who).first().waitFor();
  }
  await openList(desk, "?from=2026-11-24&to=2026-11-01");
  await desk.page.getByText("The first date is after the last one.").waitFor();
  await desk.page.getByRole("link", { name: "Swap them" }).click();
  assert.equal(await desk.page.getByLabel("From").inputValue(), "2026-11-01");
  assert.equal(await desk.page.getByText("The first date is after").count(), 0);
  await desk.close();
});

test("what the filter shows is exported, and no cell is a formula", async () => {
  const fixture = await makeClinicFixture(demo.api, { price: 9_110, deposit: { kind: "none" } });
  await demo.api.patch(`/patients/${fixture.patient.id}`, { name: "=1+1 Ashdown, Zoë" });
  const appointment = await makeAppointment(demo.api, fixture);
  await demo.api.post(`/appointments/${appointment.id}/payment-links`, { purpose: "balance" });
  const desk = await Desk.signIn(browser, demo);
  const save = async (button) => {
    await desk.page.getByRole("button", { name: "Export" }).first().click();
    const [file] = await Promise.all([
      desk.page.waitForEvent("download"),
      desk.page.getByRole("button", { name: button }).click(),
    ]);
    await desk.page.getByText(/is ready\.$/).waitFor();
    await desk.picture("online-export");
    await axe(desk.page);
    await desk.page.getByRole("button", { name: "Done" }).click();
    return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
  };
  await openList(desk);
  const csv = await save(/CSV/);
  assert.match(csv.name, /^payment-links-\d{4}-\d\d-\d\d-to-\d{4}-\d\d-\d\d\.csv$/);
  const lines = csv.bytes.toString("utf8").split("\r\n");
  assert.match(lines[0], /^\ufeff?Reference,Patient,Mobile/);
  assert.ok(lines.some((line) => line.includes(`"'=1+1 Ashdown, Zoë",07700 900`) && line.includes(",91.10,GBP,Created,")), lines[1]);
  const shown = Number(/ of (\d+) /.exec(await desk.page.locator("#total").textContent())[1]);
  assert.equal(lines.length - 2, shown, "as many as the list says");
  const xlsx = await save(/Excel/);
  assert.equal(xlsx.bytes.subarray(0, 2).toString(), "PK");
  await openList(desk, "/follow-up");
  const follow = await save(/CSV/);
  assert.equal(follow.name, "follow-up.csv");
  await desk.close();
});

test("whoever opened a link and did not pay is told of in words, called and texted", async () => {
  const who = await asksFor(9_510, { send: "email" });
  const phone = await Phone.pickUp(browser, demo);
  await phone.openLink(who.link.url);
  await phone.page.mouse.wheel(0, 200);
  await phone.page.touchscreen.tap(100, 200);
  await eventually("a person opened it", async () => (await demo.api.get(`/payment-links/${who.link.id}`)).status === "accessed");
  const desk = await Desk.signIn(browser, demo);
  await openList(desk, "/follow-up?why=accessed");
  const waiting = row(desk, who);
  await waiting.getByText("No method chosen").waitFor();
  await waiting.getByText(/Opened once, just now/).waitFor();
  const national = `0${who.patient.phone.slice(3)}`;
  const call = waiting.getByRole("link", { name: `${national.slice(0, 5)} ${national.slice(5)}` });
  assert.equal(await call.getAttribute("href"), `tel:${who.patient.phone}`);
  await waiting.getByRole("button", { name: /^More for/ }).click();
  await desk.page.getByRole("button", { name: "Mark as called" }).click();
  await row(desk, who).getByText(/Called today .* by/).waitFor();
  await desk.page.getByRole("button", { name: /^Text all who allow it \(\d+\)$/ }).click();
  await results(desk).filter({ hasText: who.patient.name }).getByText(/Texted to 07700/).waitFor();
  await desk.page.getByRole("button", { name: "Done" }).click();
  // The order is chosen without a button.
  await desk.page.getByLabel("Order").selectOption("largest");
  await desk.page.waitForURL(/sort=largest/);
  await phone.close();
  await desk.close();
});
