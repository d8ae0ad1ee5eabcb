// Summary and Credits & findings as a manager uses them: every figure is the sum of the list it opens, to the penny; each
// finding has one press that deals with it; a summary on paper.

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";
import {
  control, eventually, gbp, looks, makeAppointment, makeClinicFixture, openClinic,
} from "./harness.mjs";
import { CARDS, Phone } from "./phone.mjs";

const SUMMARY = "/financials/summary";
const FINDINGS = "/financials/findings";

let clinic, browser, demo;
before(async () => {
  clinic = await openClinic({ withHistory: true });
  ({ browser, demo } = clinic);
});
after(() => clinic?.close());

/** The sums of money in a text, in pence. */
const sums = (text) => [...text.matchAll(/£([\d,]+\.\d\d)/g)].map(([, sum]) => Math.round(Number(sum.replaceAll(",", "")) * 100));
const number = (text) => Number(/\d+/.exec(text.replaceAll(",", ""))[0]);

/** The figure card of this name. */
const figure = (page, name) => page.locator(".fig").filter({ hasText: name });

/** Adds a list up over all its pages: how many rows, and what is in the column of amounts. */
async function added(page, href, column) {
  let [rows, sum] = [0, 0];
  await page.goto(href);
  for (;;) {
    const amounts = await page.locator(`tbody tr`).evaluateAll(
      (lines, column) => lines.map((line) => line.querySelector(column).firstChild.textContent), column,
    );
    rows += amounts.length;
    sum += amounts.flatMap(sums).reduce((all, one) => all + one, 0);
    const older = page.getByRole("link", { name: "Older" });
    if (!(await older.count())) return { rows, sum, foot: await page.locator(".foot").first().innerText() };
    await page.goto(await older.getAttribute("href"));
  }
}

/** What the page of these days says. */
async function readSummary(page, range) {
  await page.goto(`${SUMMARY}?range=${range}`);
  const collected = figure(page, "Collected").locator("dd").first();
  const all = { sum: sums(await collected.innerText())[0], href: await collected.getByRole("link").getAttribute("href") };
  const methods = await page.getByRole("region", { name: "By method" }).locator("tbody tr").evaluateAll((lines) =>
    lines.map((line) => ({ href: line.querySelector("a").getAttribute("href"), cells: [...line.cells].map((cell) => cell.innerText) })));
  const funnel = await page.getByRole("region", { name: "From created to paid" }).locator("li").evaluateAll((lines) =>
    lines.map((line) => ({ href: line.querySelector("a")?.getAttribute("href"), count: line.querySelector("b").innerText })));
  const days = await page.getByRole("region", { name: "Day by day" }).locator("tbody tr").evaluateAll((lines) =>
    lines.map((line) => ({ href: line.querySelector("a")?.getAttribute("href"), cells: [...line.cells].map((cell) => cell.innerText) })));
  const headings = await page.getByRole("region", { name: "Day by day" }).locator("thead th").allInnerTexts();
  const csv = await page.getByRole("link", { name: "Export CSV" }).getAttribute("href");
  return { all, methods, funnel, days, headings, csv };
}

/** Page and file of one moment: a new demo reads its provider's fees and payouts in the background. */
async function summaryAndFile(page, range) {
  for (let before; ; ) {
    const summary = await readSummary(page, range);
    const file = await (await page.request.get(summary.csv)).text();
    if (file === before) return { ...summary, file };
    before = file;
  }
}

const PAYMENTS = "td.num.strong";
const LINKS = "td.num";

for (const range of ["7", "30", "quarter"]) {
  test(`every figure of ${range} is the sum of the list it opens`, async () => {
    const desk = await Desk.signIn(browser, demo);
    const { page } = desk;
    const { all, methods, funnel, days, headings, file } = await summaryAndFile(page, range);

    const list = await added(page, all.href, PAYMENTS);
    assert.equal(list.sum, all.sum, "Collected");
    assert.deepEqual([number(list.foot), sums(list.foot)[0]], [list.rows, list.sum], "the list's own foot");
    for (const { href, cells } of methods) {
      const list = await added(page, href, PAYMENTS);
      assert.deepEqual([list.rows, list.sum], [number(cells[1]), sums(cells[2])[0]], cells[0]);
    }
    assert.equal(methods.length, 4, "three methods and their total");
    for (const { href, count } of funnel.filter((step) => step.href)) {
      const list = await added(page, href, LINKS);
      assert.equal(list.rows, number(count), href);
    }
    // The days add up to the total, line by line and column by column; a day's list has what the day says.
    const column = (name) => headings.indexOf(name);
    const of = (line, name) => sums(line.cells[column(name)])[0] ?? 0;
    const [total, lines] = [days.at(-1), days.slice(0, -1)];
    for (const name of headings.slice(1)) {
      const signed = (line) => (line.cells[column(name)].trim().startsWith("-") ? -of(line, name) : of(line, name));
      assert.equal(lines.reduce((sum, line) => sum + signed(line), 0), signed(total), name);
    }
    assert.equal(of(total, "Collected"), all.sum);
    const busiest = lines.reduce((a, b) => (of(a, "Collected") >= of(b, "Collected") ? a : b));
    assert.equal((await added(page, busiest.href, PAYMENTS)).sum, of(busiest, "Collected"));
    // The same in the file.
    const [head, ...rows] = file.trim().split("\r\n").map((line) => line.split(","));
    for (const name of ["Card", "Klarna", "Clearpay", "Collected", "Refunded", "Fees", "Net", "Paid out"]) {
      const inFile = rows.reduce((sum, row) => sum + Math.round(Number(row[head.indexOf(name)]) * 100), 0);
      assert.equal(inFile, of(total, name), `${name} in the file`);
    }
    await desk.close();
  });
}

test("what is outstanding is the sum of the open links", async () => {
  const desk = await Desk.signIn(browser, demo);
  const { page } = desk;
  await page.goto(SUMMARY);
  const outstanding = figure(page, "Outstanding");
  const [sum, note] = [sums(await outstanding.innerText())[0], await outstanding.locator(".why").innerText()];
  const href = await outstanding.getByRole("link").first().getAttribute("href");
  const list = await added(page, href, LINKS);
  assert.deepEqual([list.rows, list.sum], [number(note), sum]);
  assert.equal(sums(list.foot)[0], sum);
  await desk.close();
});

test("the summary prints on A4 without controls", async () => {
  const desk = await Desk.signIn(browser, demo);
  const { page } = desk;
  await page.goto(SUMMARY);
  await page.emulateMedia({ media: "print" });
  for (const hidden of ["Export CSV", "Print", "7 days", "Diary"]) {
    assert.equal(await control(page, hidden).count(), 0, `${hidden} is not printed`);
  }
  const pdf = await page.pdf({ format: "A4", printBackground: true });
  const folder = process.env.REMIT_SHOTS;
  if (folder) {
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, "summary.pdf"), pdf);
  }
  const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length;
  assert.ok(pages <= 3, `${pages} pages`);
  await desk.close();
});

test("summary and findings keep to the rules", async () => {
  await overpaid(4_500, 4_500);
  const desk = await Desk.signIn(browser, demo);
  const places = [
    ["summary", SUMMARY], ["summary-quarter", `${SUMMARY}?range=quarter`], ["findings", FINDINGS],
    ["findings-done", `${FINDINGS}?view=settled`], ["credits", `${FINDINGS}?view=credits`],
    ["findings-none", `${FINDINGS}?kind=broken_invariant`],
  ];
  for (const [name, place] of places) {
    await desk.page.goto(place);
    await looks(desk.page, `financials-${name}`);
  }
  await desk.close();
});

// ---------------------------------------------------------------- findings

/** An appointment of this price that was paid in cash, and then `more` by card terminal. */
async function overpaid(price, more) {
  const fixture = await makeClinicFixture(demo.api, { price, deposit: { kind: "none" } });
  const appointment = await makeAppointment(demo.api, fixture);
  await demo.api.post(`/appointments/${appointment.id}/payments`, { method: "cash", amount: gbp(price) });
  await demo.api.post(`/appointments/${appointment.id}/payments`, { method: "card_terminal", amount: gbp(more) });
  return { appointment, patient: fixture.patient };
}

const card = (desk, who) => desk.page.locator(".finding").filter({ hasText: who.patient.name });

test("a finding appears by itself, and one press refunds the second payment", async () => {
  const desk = await Desk.signIn(browser, demo);
  await desk.page.goto(FINDINGS);
  await desk.page.getByText("Live", { exact: true }).waitFor();
  const who = await overpaid(5_100, 5_100);
  await card(desk, who).getByRole("heading", { name: "Paid twice" }).waitFor();
  await card(desk, who).getByRole("button", { name: "Refund the second payment, £51.00" }).click();
  await desk.page.getByRole("status").filter({ hasText: "The refund is asked for" }).waitFor();
  assert.equal(await card(desk, who).count(), 0);
  const visit = await demo.api.get(`/appointments/${who.appointment.id}`);
  assert.deepEqual([visit.refunded.amount, visit.credit.amount], [5_100, 0]);
  await desk.close();
});

test("a finding is dealt with by keyboard, without script, and with a note", async () => {
  const [kept, noted] = [await overpaid(3_000, 250), await overpaid(3_000, 350)];
  const desk = await Desk.signIn(browser, demo);
  await desk.page.goto(FINDINGS);
  await card(desk, kept).getByRole("button", { name: "Keep as credit" }).press("Enter");
  await desk.page.getByRole("status").filter({ hasText: "kept for the next visit" }).waitFor();
  assert.equal(await card(desk, kept).count(), 0);
  const details = card(desk, noted);
  await details.getByText("Mark as done").first().click();
  await details.getByLabel(/How was it settled/).fill("Given back from the till");
  // Something else happens meanwhile: what is being typed stays.
  const other = await overpaid(3_000, 150);
  await details.getByRole("button", { name: "Mark as done" }).click();
  await desk.page.getByRole("status").filter({ hasText: "Marked as done" }).waitFor();
  await desk.page.goto(`${FINDINGS}?view=settled`);
  await card(desk, noted).getByText("Given back from the till").waitFor();
  await desk.page.goto(FINDINGS);
  await card(desk, other).waitFor();
  await desk.close();
});

test("a waiting refund is approved where it is told of", async () => {
  await demo.api.put("/settings/refunds", { approval_above: gbp(5_000), reception_max: null });
  const fixture = await makeClinicFixture(demo.api, { price: 9_000, deposit: { kind: "none" } });
  const appointment = await makeAppointment(demo.api, fixture);
  const payment = await demo.api.post(`/appointments/${appointment.id}/payments`, { method: "cash", amount: gbp(9_000) });
  await demo.api.post(`/payments/${payment.id}/refunds`, { amount: gbp(6_000), reason: "Course cut short" });
  const desk = await Desk.signIn(browser, demo);
  await desk.page.goto(FINDINGS);
  const who = { patient: fixture.patient };
  await card(desk, who).getByText("Course cut short").waitFor();
  await card(desk, who).getByRole("button", { name: "Approve £60.00" }).click();
  await desk.page.getByRole("status").filter({ hasText: "The refund is asked for" }).waitFor();
  assert.equal(await card(desk, who).count(), 0);
  await eventually("the refund is made", async () => (await demo.api.get(`/payments/${payment.id}`)).refunded.amount === 6_000);
  await demo.api.put("/settings/refunds", { approval_above: null, reception_max: null });
  await desk.close();
});

test("a dispute says until when, and leads to the provider", async () => {
  const fixture = await makeClinicFixture(demo.api, { price: 7_700, deposit: { kind: "none" } });
  const appointment = await makeAppointment(demo.api, fixture);
  const link = await demo.api.post(`/appointments/${appointment.id}/payment-links`, { purpose: "balance" });
  const phone = await Phone.pickUp(browser, demo);
  await phone.openLink(link.url);
  await phone.continueWith("card");
  await phone.payByCard(CARDS.disputed);
  await phone.seesPaid("£77.00");
  await phone.close();
  const desk = await Desk.signIn(browser, demo);
  await desk.page.goto(FINDINGS);
  const told = card(desk, { patient: fixture.patient });
  await told.getByText(/took £77\.00 back/).waitFor();
  await told.getByRole("link", { name: /^Send evidence to Sandbox by / }).click();
  await desk.page.waitForURL(/\/sandbox\/pay\//);
  await desk.close();
});
