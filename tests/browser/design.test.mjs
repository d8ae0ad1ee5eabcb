// The design system as a whole: the style guide shows every part, pages stay light, and nothing moves once it is drawn.

import assert from "node:assert/strict";
import { get } from "node:http";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Desk } from "./desk.mjs";
import { looks, makeAppointment, makeClinicFixture, openClinic, openDevice } from "./harness.mjs";

/** Bytes, gzip, of all that a browser with an empty cache fetches for one page. */
const STAFF_BYTES_MAX = 130_000;
const PATIENT_BYTES_MAX = 15_000;
/** Of what a person sees, how much may move by itself while a page loads (Cumulative Layout Shift). */
const SHIFT_MAX = 0.02;
/** Milliseconds by which the font comes late. */
const FONT_LATE_MS = 700;

let clinic, browser, demo, fixture, appointment, link;
before(async () => {
  clinic = await openClinic({ withHistory: true });
  ({ browser, demo } = clinic);
  fixture = await makeClinicFixture(demo.api);
  appointment = await makeAppointment(demo.api, fixture);
  link = await demo.api.post(`/appointments/${appointment.id}/payment-links`, { purpose: "balance" });
});
after(() => clinic?.close());

// ---------------------------------------------------------------- the style guide

test("the style guide shows the staff pages' parts", async () => {
  const device = await openDevice(browser, demo, "desktop");
  const { page } = device;
  await page.goto("/styleguide");
  for (const status of ["Created", "Sent", "Accessed", "Paid", "Expired", "Cancelled"]) {
    await page.locator("section", { has: page.getByRole("heading", { name: "Status" }) }).locator(".st").filter({ hasText: new RegExp(`^${status}$`) }).first().waitFor();
  }
  await looks(page, "styleguide");
  await page.getByRole("button", { name: "A menu" }).click();
  await page.getByRole("link", { name: "The present one" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "A window" }).click();
  await page.getByRole("dialog", { name: "A window" }).waitFor();
  await looks(page, "styleguide-window");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("group", { name: "Colours" }).getByRole("button", { name: "Dark" }).click();
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "dark");
  await device.close();
});

test("the style guide shows the patient's parts", async () => {
  const device = await openDevice(browser, demo, "phone");
  await device.page.goto("/styleguide/patient");
  await looks(device.page, "styleguide-patient");
  await device.close();
});

// ---------------------------------------------------------------- weight

/** What the page made a browser with an empty cache fetch: address and bytes as gzip. */
async function weigh(kind, address, settled) {
  const desk = await Desk.signIn(browser, demo, kind);
  const cookies = await desk.device.context.cookies();
  await desk.close();
  const device = await openDevice(browser, demo, kind);
  await device.context.addCookies(cookies);
  const seen = new Map();
  device.context.on("response", (answer) => {
    if (answer.ok() && answer.headers()["content-type"] !== "text/event-stream") seen.set(answer.url(), answer);
  });
  await device.page.goto(address);
  await settled(device.page);
  await device.page.evaluate(() => document.fonts.ready);
  const weights = [];
  for (const [url, answer] of seen) {
    const { pathname } = new URL(url);
    // A page itself leaves uncompressed, since it holds secrets beside what somebody typed; the goal counts it as gzip.
    const bytes = pathname.startsWith("/assets/") ? await sent(url) : gzipSync(await answer.body(), { level: 9 }).length;
    weights.push([pathname, bytes]);
  }
  await device.close();
  return weights;
}

/** Bytes on the wire for somebody who takes gzip. */
function sent(url) {
  return new Promise((resolve, reject) => {
    get(url, { headers: { "accept-encoding": "gzip" } }, (answer) => {
      let bytes = 0;
      answer.on("data", (chunk) => (bytes += chunk.length));
      answer.on("end", () => resolve(bytes));
    }).on("error", reject);
  });
}

function atMost(weights, max, what) {
  const sum = weights.reduce((sum, [, bytes]) => sum + bytes, 0);
  const listed = weights.sort((a, b) => b[1] - a[1]).map(([path, bytes]) => `  ${bytes} ${path.slice(0, 60)}`);
  console.log(`# ${what}: ${sum} bytes gzip, ${weights.length} requests`);
  assert.ok(sum < max, `${what} weighs ${sum} bytes\n${listed.join("\n")}`);
}

test("a first visit of the staff is light", async () => {
  const rows = (page) => page.locator("#rows tr").first().waitFor();
  const calendar = (page) => page.locator(".ec-event").first().waitFor();
  atMost(await weigh("desktop", "/diary", calendar), STAFF_BYTES_MAX, "the diary");
  atMost(await weigh("desktop", "/financials/online-payments", rows), STAFF_BYTES_MAX, "Online Payments");
});

test("the patient's page is lighter still", async () => {
  const device = await openDevice(browser, demo, "phone");
  const seen = [];
  device.context.on("response", (answer) => seen.push(answer));
  await device.page.goto(link.url, { waitUntil: "networkidle" });
  const weights = [];
  for (const answer of seen) {
    const { pathname } = new URL(answer.url());
    weights.push([pathname, pathname.startsWith("/assets/") ? await sent(answer.url()) : (await answer.body()).length]);
  }
  await device.close();
  atMost(weights, PATIENT_BYTES_MAX, "the patient's page, itself uncompressed");
});

// ---------------------------------------------------------------- nothing moves

const STAFF_PAGES = [
  "/diary", "/diary?view=week", "/patients", "/patients/new", () => `/patients/${fixture.patient.id}`, () => `/appointments/${appointment.id}`,
  "/appointments/new", () => `/payment-links/${link.id}`, "/financials/online-payments", "/financials/online-payments/follow-up",
  "/financials/summary", "/financials/payments", "/financials/findings", "/notifications", "/find?q=a", "/shortcuts", "/account",
  "/settings/clinic", "/settings/payment-methods", "/settings/services", "/settings/practitioners", "/settings/staff",
  "/settings/providers", "/settings/messages", "/settings/messages/texts", "/settings/receipts", "/settings/api-keys",
];

/** Makes the font late, and a page keep count of what moved. */
async function watch(context) {
  await context.route(/\.woff2$/, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, FONT_LATE_MS));
    await route.fallback();
  });
  await context.addInitScript(() => {
    window.moved = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        if (entry.hadRecentInput) continue;
        const what = entry.sources.map(({ node, previousRect: a, currentRect: b }) => `${node?.nodeName} ${node?.className ?? node?.textContent?.slice(0, 20)} ${[a.x, a.y, a.width, a.height]} -> ${[b.x, b.y, b.width, b.height]}`);
        window.moved.push({ value: entry.value, what });
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
}

async function stands(page, address) {
  await page.goto(address);
  await page.evaluate(() => document.fonts.ready);
  // Two frames after the last change everything that moves has been seen to move.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60)))));
  const moved = await page.evaluate(() => window.moved);
  const shift = moved.reduce((sum, { value }) => sum + value, 0);
  return shift < SHIFT_MAX ? [] : [`${address} moves by ${shift.toFixed(3)}\n    ${moved.flatMap(({ what }) => what).slice(0, 8).join("\n    ")}`];
}

for (const kind of ["desktop", "phone"]) {
  test(`nothing moves once it is drawn, with the font late (${kind})`, async () => {
    const signed = await Desk.signIn(browser, demo, kind);
    const cookies = await signed.device.context.cookies();
    await signed.close();
    const found = [];
    for (const address of [...STAFF_PAGES, () => link.url]) {
      // A cache of its own each time: the font of the page before would be there at once.
      const device = await openDevice(browser, demo, kind);
      await device.context.addCookies(cookies);
      await watch(device.context);
      found.push(...(await stands(device.page, typeof address === "string" ? address : address())));
      await device.close();
    }
    assert.deepEqual(found, [], found.join("\n"));
  });
}
