// Find or do (Ctrl K), the keyboard shortcuts and their list, and what comes out of the printer.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";
import { axe, eventually, fitsEveryWidth, gbp, makeAppointment, makeClinicFixture, openClinic, openDevice } from "./harness.mjs";

const NAMES = [
  `Wilhelmina ${"Featherstonehaugh-Cholmondeley ".repeat(7)}`.slice(0, 199).trim(),
  "Wilhelmina مريم عبد الرحمن الحسن",
  "Wilhelmina 🙂 Lee 👩‍👩‍👧",
];

let clinic, browser, demo, fixture, appointment, link;
before(async () => {
  clinic = await openClinic();
  ({ browser, demo } = clinic);
  fixture = await makeClinicFixture(demo.api);
  appointment = await makeAppointment(demo.api, fixture);
  link = await demo.api.post(`/appointments/${appointment.id}/payment-links`, { purpose: "balance" });
  for (const name of NAMES) await demo.api.post("/patients", { name });
});
after(() => clinic?.close());

const palette = (page) => page.getByRole("dialog", { name: "Find or do" });
const field = (page) => palette(page).getByRole("combobox");
const group = (page, name) => palette(page).getByRole("group", { name });
const options = (page, name) => group(page, name).getByRole("option");

async function open(page) {
  // A page that has just come listens a moment later.
  await eventually("the palette is open", async () => {
    await page.keyboard.press("Control+k");
    return field(page).isVisible();
  });
  await palette(page).getByRole("option").first().waitFor();
}

/** Types as a person does and waits for the list that belongs to it. */
async function type(page, words, of) {
  await field(page).pressSequentially(words);
  await options(page, of).first().waitFor();
}

/** Arrow keys until the option is the chosen one. */
async function walkTo(page, option) {
  for (let step = 0; step < 60; step += 1) {
    if ((await option.getAttribute("aria-selected")) === "true") {
      const id = await option.getAttribute("id");
      assert.equal(await field(page).getAttribute("aria-activedescendant"), id);
      return;
    }
    await page.keyboard.press("ArrowDown");
  }
  assert.fail("the arrows do not come to it");
}

test("by keyboard alone: to a patient, an appointment, a link and an action", async () => {
  const desk = await Desk.signIn(browser, demo);
  const { page } = desk;
  const name = fixture.patient.name;

  await open(page);
  await type(page, name, "Patients");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name }).waitFor();

  await open(page);
  await type(page, name, "Appointments");
  await walkTo(page, options(page, "Appointments").first());
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/appointments/${appointment.id}`);

  // A link opens as a window over the page where the person is, and gives the focus back.
  await page.getByRole("link", { name: "Summary" }).first().focus();
  await open(page);
  const { reference } = await demo.api.get(`/payment-links/${link.id}`);
  await type(page, reference, "Payment links");
  await walkTo(page, options(page, "Payment links").first());
  await page.keyboard.press("Enter");
  await desk.linkWindow.waitFor();
  assert.equal(await palette(page).count(), 0);
  await page.keyboard.press("Escape");
  await eventually("the focus is back", () => page.evaluate(() => document.activeElement?.textContent.trim() === "Summary"));

  await open(page);
  await type(page, "120.00", "Payment links");
  await page.keyboard.press("Escape");

  await open(page);
  await type(page, "new app", "Actions");
  await page.keyboard.press("Enter");
  await desk.booking.waitFor();
  await page.keyboard.press("Escape");

  // Enter at once, before any answer: what was typed counts, not what stood there.
  await page.keyboard.press("Control+k");
  await field(page).waitFor();
  await page.keyboard.type("sign out");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await desk.close();
});

test("what the arrows have come to stands when a later answer comes", async () => {
  const desk = await Desk.signIn(browser, demo);
  const { page } = desk;
  const name = fixture.patient.name;
  for (const entersBefore of [true, false]) {
    await page.goto("/financials/summary");
    let answer;
    const held = new Promise((resolve) => (answer = resolve));
    await page.route((url) => url.pathname === "/find" && url.searchParams.get("q") === name, async (route) => {
      await held;
      await route.continue().catch(() => {}); // nobody may be waiting any more
    });
    await open(page);
    await type(page, name.slice(0, -1), "Appointments");
    const asked = page.waitForRequest((request) => new URL(request.url()).searchParams.get("q") === name);
    await field(page).pressSequentially(name.slice(-1));
    await asked;
    const wanted = options(page, "Appointments").first();
    await walkTo(page, wanted);
    if (!entersBefore) {
      await wanted.evaluate((option) => (option.dataset.before = ""));
      answer();
      await page.locator("#found [data-before]").waitFor({ state: "detached" });
      assert.equal(await wanted.getAttribute("aria-selected"), "true");
    }
    await page.keyboard.press("Enter");
    await page.waitForURL(`**/appointments/${appointment.id}`);
    answer();
    await page.unrouteAll();
  }
  await desk.close();
});

test("Escape gives the focus back, and a page for whoever has no script", async () => {
  const desk = await Desk.signIn(browser, demo);
  const { page } = desk;
  await desk.goTo("Patients");
  const search = page.getByRole("searchbox");
  await search.fill("some words");
  await open(page); // Ctrl K works while somebody types.
  await page.keyboard.press("Escape");
  await palette(page).waitFor({ state: "detached" });
  assert.ok(await search.evaluate((field) => field === document.activeElement));
  await page.getByRole("link", { name: /Find or do/ }).filter({ visible: true }).click();
  await field(page).waitFor();
  await palette(page).getByRole("button", { name: "Close" }).click();
  await palette(page).waitFor({ state: "detached" });
  await desk.close();

  const device = await openDevice(browser, demo, "phone", { javaScript: false });
  await device.page.goto("/find?q=wilhelmina");
  await device.page.getByLabel("Email").fill(demo.email);
  await device.page.getByLabel("Password", { exact: true }).fill(demo.password);
  await device.page.getByRole("button", { name: "Sign in" }).click();
  await device.page.goto("/find?q=wilhelmina");
  for (const name of NAMES) await device.page.getByRole("link", { name }).waitFor();
  await device.page.getByRole("searchbox").fill("new link");
  await device.page.getByRole("button", { name: "Find" }).click();
  await device.page.getByRole("link", { name: "New payment link" }).click();
  await device.page.getByRole("heading", { level: 1 }).waitFor();
  await device.close();
});

for (const kind of ["desktop", "phone"]) {
  test(`the windows keep the rules on a ${kind}`, async () => {
    const desk = await Desk.signIn(browser, demo, kind);
    const { page } = desk;
    await desk.openDiary();
    await page.getByRole("link", { name: /Find or do/ }).filter({ visible: true }).first().click();
    await options(page, "Actions").first().waitFor();
    await keepsTheRules(page, "palette");
    await type(page, "wilhelmina", "Patients");
    await keepsTheRules(page, "palette-names");
    await field(page).fill(fixture.patient.name);
    await options(page, "Payment links").first().waitFor();
    await keepsTheRules(page, "palette-found");
    await field(page).fill("7654.32");
    await palette(page).getByText("Nothing is found").waitFor();
    await keepsTheRules(page, "palette-nothing");
    await page.keyboard.press("Escape");
    await page.goto("/find?q=wil");
    await keepsTheRules(page, "find-page");
    await page.keyboard.press("Escape");
    await page.evaluate(() => document.activeElement?.blur());
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    await keepsTheRules(page, "shortcuts");
    await desk.close();
  });
}

/** Pictures in both themes, axe, no sideways scroll. */
async function keepsTheRules(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(() => document.getAnimations().forEach((one) => one.finish()));
    await shotOfWindow(page, `${name}${colorScheme === "dark" ? "-dark" : ""}`);
  }
  await page.emulateMedia({ colorScheme: null });
  await axe(page);
  const before = page.viewportSize();
  await fitsEveryWidth(page);
  await page.setViewportSize(before);
}

async function shotOfWindow(page, name) {
  if (process.env.REMIT_SHOTS) {
    await mkdir(process.env.REMIT_SHOTS, { recursive: true });
    await page.screenshot({ path: path.join(process.env.REMIT_SHOTS, `finder-${name}-${page.viewportSize().width}.png`) });
  }
}

test("keys of one character: where they lead, and that they can be silenced", async () => {
  const desk = await Desk.signIn(browser, demo);
  const { page } = desk;
  for (const [keys, address] of [["gp", "/patients"], ["gf", "/financials/online-payments"], ["gs", "/settings"], ["gd", "/diary"]]) {
    await page.evaluate(() => document.activeElement?.blur());
    await page.keyboard.type(keys);
    await page.waitForURL((url) => url.pathname.startsWith(address));
    await page.getByRole("heading", { level: 1 }).first().waitFor();
  }
  await page.goto("/diary?day=2031-03-04");
  await page.keyboard.press("n");
  await desk.booking.waitFor();
  assert.equal(await desk.booking.getByLabel("Date", { exact: true }).inputValue(), "2031-03-04", "on the day that is shown");
  // In a window and in a field a letter is a letter.
  await desk.booking.getByRole("combobox", { name: /patient/i }).pressSequentially("gpn?");
  assert.equal(new URL(page.url()).pathname, "/diary");
  assert.equal(await page.getByRole("dialog").count(), 1);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await desk.goTo("Patients");
  await page.getByRole("searchbox").pressSequentially("?gd");
  assert.equal(new URL(page.url()).pathname, "/patients");
  assert.equal(await page.getByRole("dialog").count(), 0);

  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press("?");
  const sheet = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await sheet.getByRole("button", { name: "Off" }).click();
  await page.keyboard.press("Escape");
  for (const address of ["/patients", "/financials/online-payments"]) {
    await page.goto(address); // Remembered from page to page.
    await page.evaluate(() => document.activeElement?.blur());
    await page.keyboard.type("?gdnj");
    assert.equal(await page.getByRole("dialog").count(), 0);
    assert.equal(new URL(page.url()).pathname, address);
    assert.ok(await page.evaluate(() => !document.activeElement?.closest("#rows")));
  }
  await open(page); // Ctrl K has a modifier and stays.
  await page.keyboard.press("Escape");
  await page.goto("/account");
  await page.getByRole("group", { name: "Keyboard shortcuts" }).getByRole("button", { name: "On" }).click();
  await page.keyboard.press("?");
  await sheet.waitFor();
  await desk.close();
});

// ---------------------------------------------------------------- paper

/** The page as a printer gets it: one sheet of A4 without a control. Answers with its words. */
async function printed(page, name) {
  await page.emulateMedia({ media: "print", colorScheme: "dark" }); // A dark screen prints light all the same.
  const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
  const found = await page.evaluate(() => ({
    words: document.body.innerText,
    paper: getComputedStyle(document.documentElement).colorScheme,
    controls: [...document.querySelectorAll("button, input, select, textarea, nav a, .btn")]
      .filter((control) => control.checkVisibility({ visibilityProperty: true }) && !control.closest(".linkrow"))
      .map((control) => control.outerHTML.slice(0, 100)),
  }));
  await page.emulateMedia({ media: null, colorScheme: null });
  await picture(pdf, name);
  const objects = pdf.toString("latin1");
  assert.deepEqual(found.controls, [], `${name} has controls on paper`);
  assert.equal(found.paper, "light", name);
  assert.equal(objects.match(/\/Type\s*\/Page\b/g).length, 1, `${name} is one sheet\n${found.words}`);
  const [, width, height] = /\/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]/.exec(objects).map(Number);
  assert.deepEqual([Math.round(width), Math.round(height)], [595, 842], `${name} is A4`);
  return found.words;
}

/** The sheet as a picture, where REMIT_SHOTS is set. */
async function picture(pdf, name) {
  const folder = process.env.REMIT_SHOTS;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `print-${name}.pdf`);
  await writeFile(file, pdf);
  // poppler-utils, for whoever wants to look; the checks do without.
  spawnSync("pdftoppm", ["-r", "80", "-png", file, path.join(folder, `print-${name}`)]);
}

for (const kind of ["desktop", "phone"]) {
  test(`the day list, a link and a receipt come out as one sheet (${kind})`, async () => {
    const desk = await Desk.signIn(browser, demo, kind);
    const { page } = desk;
    await page.goto("/diary");
    const day = await printed(page, `day-list-${kind}`);
    for (const words of ["Time", "Patient", "Service", "Payment", "Tom Hargreaves"]) assert.ok(day.includes(words), `${words} in ${day}`);
    assert.doesNotMatch(day, /Find or do|New appointment|07\d{3}/);
    await page.goto(`/payment-links/${link.id}`);
    const sheet = await printed(page, `link-${kind}`);
    for (const words of [/£120\.00/, /Pay by/, /Call Larkhill Clinic on/]) assert.match(sheet, words);
    await page.goto(`/appointments/${appointment.id}`);
    await page.getByRole("link", { name: "Payment link", exact: true }).first().click();
    await desk.linkWindow.waitFor();
    await printed(page, `link-window-${kind}`);
    const paid = await makeAppointment(demo.api, fixture);
    const payment = await demo.api.post(`/appointments/${paid.id}/payments`, { method: "cash", amount: gbp(9_000) });
    await page.goto(`/payments/${payment.id}/receipt`);
    assert.match(await printed(page, `receipt-${kind}`), /£90\.00/);
    await desk.close();
  });
}

test("printing is asked for by its button, and by its action", async () => {
  const desk = await Desk.signIn(browser, demo);
  const { page } = desk;
  await page.addInitScript(() => (window.print = () => (window.asked = (window.asked ?? 0) + 1)));
  await desk.openDiary();
  await page.getByRole("button", { name: "Print the day list" }).click();
  assert.equal(await page.evaluate(() => window.asked), 1);
  await open(page);
  await type(page, "print", "Actions");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => window.asked === 2);
  await desk.openOnlinePayments();
  await open(page);
  await type(page, "export payment", "Actions");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: /CSV, any number/ }).waitFor();
  await shotOfWindow(page, "export-menu");
  await desk.close();
});
