// A running demo, a real browser, and what every page must keep to. The verbs of people are in desk.mjs and phone.mjs.

import { spawn, execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const BINARY = process.env.REMIT_BIN ?? path.join(HERE, "../../target/release/remit");
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Pictures show a clinic that has been at work. */
const IS_FOR_PICTURES = Boolean(process.env.REMIT_SHOTS || process.env.REMIT_GUIDE);
/** Milliseconds from the start of the process to a ready clinic, seeding included. */
const READY_WITHIN_MS = 60_000;
/** Milliseconds that a page may take for anything it was asked for. */
const ANSWER_WITHIN_MS = 15_000;

/** The widths of `frontend.md`: small phone, phone, tablet, desk. */
export const WIDTHS = [320, 390, 768, 1440];

// ---------------------------------------------------------------- the product

/**
 * Starts `remit demo` on a free port in a scratch folder; `stop()` ends it and removes the folder.
 * @param {{clock?: Clock, withHistory?: boolean}} options `clock`: its wall clock can be moved (expiry); `withHistory`:
 * with the two months that a new demo makes up, which most tests do without
 */
export async function startDemo({ clock, withHistory = IS_FOR_PICTURES } = {}) {
  const data = await mkdtemp(path.join(tmpdir(), "remit-browser-"));
  const args = ["demo", "--listen", "127.0.0.1:0", "--data", data];
  if (!withHistory) args.push("--history-days", "0");
  const child = spawn(BINARY, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...clock?.env },
  });
  const said = [];
  child.stderr.on("data", (chunk) => said.push(String(chunk)));
  try {
    const ready = await readyLines(child, said);
    const stop = async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
      await rm(data, { recursive: true, force: true });
    };
    return { ...ready, data, said, stop, api: new Api(ready.url, ready.api_key) };
  } catch (error) {
    child.kill("SIGKILL");
    await rm(data, { recursive: true, force: true });
    throw error;
  }
}

/** The `key: value` lines that the demo prints once it serves. */
function readyLines(child, said) {
  const wanted = ["url", "email", "password", "api_key"];
  const found = {};
  return new Promise((resolve, reject) => {
    const failed = (why) => {
      clearTimeout(timer);
      reject(new Error(`${BINARY} demo ${why}\n${said.join("").slice(-3000)}`));
    };
    const timer = setTimeout(() => failed(`was not ready in ${READY_WITHIN_MS} ms`), READY_WITHIN_MS);
    child.once("error", (error) => failed(`did not start: ${error.message}`));
    child.once("exit", (code, signal) => failed(`ended early (${signal ?? code})`));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const pair = /^\s*([a-z_]+):\s+(\S.*?)\s*$/.exec(line);
      if (pair && wanted.includes(pair[1])) found[pair[1]] = pair[2];
      if (wanted.every((key) => key in found)) {
        clearTimeout(timer);
        resolve(found);
      }
    });
  });
}

/** The wall clock of one demo, moved through libfaketime; timers stay real. Needs a dynamically linked binary. */
export class Clock {
  static async open() {
    const folder = await mkdtemp(path.join(tmpdir(), "remit-clock-"));
    const clock = new Clock();
    clock.file = path.join(folder, "time");
    clock.folder = folder;
    clock.seconds = 0;
    clock.env = {
      LD_PRELOAD: await faketimeLibrary(),
      FAKETIME_TIMESTAMP_FILE: clock.file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      FAKETIME_DONT_RESET: "1",
    };
    await clock.move(0);
    return clock;
  }

  /** Moves the clock on. */
  async move(seconds) {
    this.seconds += seconds;
    await writeFile(`${this.file}.new`, `+${this.seconds}\n`);
    await rename(`${this.file}.new`, this.file); // never half a number
  }

  async close() {
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function faketimeLibrary() {
  for (const folder of await readdir("/usr/lib")) {
    const found = path.join("/usr/lib", folder, "faketime/libfaketimeMT.so.1");
    if (await readFile(found).then(() => true, () => false)) return found;
  }
  throw new Error("libfaketime is missing (Debian: apt-get install faketime)");
}

/** The JSON API with the demo's key: how a test prepares what its journey does not speak of. */
export class Api {
  constructor(url, key) {
    this.url = url.replace(/\/$/, "");
    this.key = key;
  }

  get(call) {
    return this.#call("GET", call);
  }

  post(call, body = {}) {
    return this.#call("POST", call, body);
  }

  put(call, body) {
    return this.#call("PUT", call, body);
  }

  patch(call, body) {
    return this.#call("PATCH", call, body);
  }

  /** Messages in the demo's tray, newest first. */
  async tray() {
    const answer = await fetch(`${this.url}/demo/messages.json`);
    return (await answer.json()).data;
  }

  async #call(method, call, body) {
    const headers = { authorization: `Bearer ${this.key}`, accept: "application/json" };
    if (body !== undefined) headers["content-type"] = "application/json";
    if (method === "POST") headers["idempotency-key"] = randomUUID();
    const answer = await fetch(`${this.url}/api/v1${call}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${call} -> ${answer.status} ${text.slice(0, 500)}`);
    return text ? JSON.parse(text) : null;
  }
}

export const gbp = (pence) => ({ amount: pence, currency: "GBP" });

let fixtures = 0;

/** A patient, a practitioner with an empty diary and a service, all new: no test stands in another's way. */
export async function makeClinicFixture(api, { price = 12_000, deposit = { kind: "percent", percent: 25 } } = {}) {
  fixtures += 1;
  const mark = `${process.pid}-${fixtures}`;
  const patient = await api.post("/patients", {
    name: `Imogen Ashdown ${mark}`,
    email: `imogen.${mark}@example.com`,
    // The range kept for drama, 07700 900000 to 900999, but for the first one, which the demo's tray never reaches.
    phone: `+447700900${String(1 + ((process.pid + fixtures) % 999)).padStart(3, "0")}`,
  });
  const service = await api.post("/services", {
    name: `First visit ${mark}`,
    duration_minutes: 30,
    price: gbp(price),
    deposit,
  });
  const practitioner = await api.post("/practitioners", { name: `Robin Mercer ${mark}` });
  return { patient, service, practitioner };
}

/** An appointment of the fixture, tomorrow at ten. */
export function makeAppointment(api, { patient, service, practitioner }) {
  return api.post("/appointments", {
    patient_id: patient.id,
    service_ids: [service.id],
    practitioner_id: practitioner.id,
    starts_at: tomorrow("T10:00:00Z"),
  });
}

/** Tomorrow's date, with `rest` behind it. */
export function tomorrow(rest = "") {
  return new Date(Date.now() + 86_400_000).toISOString().slice(0, 10) + rest;
}

// ---------------------------------------------------------------- the browser

/**
 * The distribution's Chromium. Its package without a window draws the same pages for half of the processor time, but not
 * every release has it.
 */
function executable(headless) {
  const lean = "/usr/bin/chromium-headless-shell";
  return process.env.CHROMIUM ?? (headless && existsSync(lean) ? lean : "/usr/bin/chromium");
}

/** Chromium with nothing phoning home. */
export function openBrowser() {
  const headless = !process.env.REMIT_HEADED;
  return chromium.launch({
    executablePath: executable(headless),
    headless,
    // Dates and times of fields are written as the browser's own language has it, which it takes from here.
    env: { ...process.env, LANGUAGE: "en_GB" },
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--lang=en-GB",
    ],
  });
}

/**
 * A running demo and a browser. When the second does not open, the first is stopped: what is left running keeps a test
 * process from ending.
 */
export async function openClinic(options) {
  const demo = await startDemo(options);
  try {
    const browser = await openBrowser();
    const close = async () => {
      await browser.close();
      await demo.stop();
    };
    return { demo, browser, close };
  } catch (error) {
    await demo.stop();
    throw error;
  }
}

const DEVICES = {
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  desktop: { viewport: { width: 1440, height: 900 } },
};

/**
 * A device in somebody's hand: its own cookies, one page, and a list of what went wrong on any page it saw. `close()`
 * fails on that list.
 * @param {"phone"|"desktop"} kind
 */
export async function openDevice(browser, demo, kind, { javaScript = true } = {}) {
  const context = await browser.newContext({
    ...DEVICES[kind],
    baseURL: demo.url,
    locale: "en-GB",
    timezoneId: "Europe/London",
    javaScriptEnabled: javaScript,
    reducedMotion: "reduce",
  });
  context.setDefaultTimeout(ANSWER_WITHIN_MS);
  const complaints = [];
  await listen(context, demo, complaints);
  const page = await context.newPage();
  const close = async () => {
    await context.close();
    assert.deepEqual(complaints, [], `the ${kind} met trouble on its pages`);
  };
  return { kind, context, page, complaints, close };
}

async function listen(context, demo, complaints) {
  const host = new URL(demo.url).host;
  const note = (line) => complaints.includes(line) || complaints.push(line);
  await context.exposeBinding("remitReportViolation", (_source, line) => note(`policy: ${line}`));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      const where = `${event.sourceFile ?? ""}:${event.lineNumber}`;
      window.remitReportViolation(
        `${event.violatedDirective} refused ${event.blockedURI} at ${location.pathname} (${where}) ${event.sample}`,
      );
    });
  });
  context.on("weberror", (error) => note(`script: ${error.error().stack ?? error.error()}`));
  context.on("console", (message) => {
    // An answer of 4xx that a test asked for is logged as a failed resource; the test itself judges answers.
    if (message.type() === "error" && !/^Failed to load resource/.test(message.text())) {
      note(`console: ${message.text()}`);
    }
  });
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (/^https?:/.test(url.protocol) && url.host !== host) note(`request to another host: ${url}`);
  });
  context.on("response", (answer) => {
    if (answer.status() >= 500) note(`answer ${answer.status()}: ${new URL(answer.url()).pathname}`);
    const kind = answer.request().resourceType();
    if (answer.status() >= 400 && ["stylesheet", "script", "image", "font"].includes(kind)) {
      note(`missing ${kind}: ${new URL(answer.url()).pathname}`);
    }
  });
}

// ---------------------------------------------------------------- what every page keeps to

const AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds on the page as it stands. */
async function look(page) {
  return page.evaluate(async (tags) => {
    const answer = await window.axe.run(document, {
      runOnly: { type: "tag", values: tags },
      resultTypes: ["violations"],
    });
    return answer.violations.map((violation) => ({
      rule: `${violation.id} (${violation.impact}): ${violation.help}`,
      places: violation.nodes.map((node) => `${node.target.join(" ")}  ${node.failureSummary}  ${node.html}`),
    }));
  }, AXE_TAGS);
}

/**
 * Fails with readable violations of WCAG 2.2 A and AA and of best practice, in the light and the dark theme. Needs a
 * device with JavaScript, as all that asks a page about itself.
 */
export async function axe(page) {
  const found = [];
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(settle);
    await page.evaluate(AXE); // evaluated, not added as a script: the page's policy refuses inline scripts, rightly
    let violations = await look(page);
    if (violations.length) {
      // The page may have been in the middle of a change of colours or of content: what is wrong stays wrong.
      await page.evaluate(settle);
      violations = await look(page);
    }
    for (const { rule, places } of violations) {
      found.push(`${colorScheme}: ${rule}`);
      found.push(...places.slice(0, 5).map((place) => `    ${place.replaceAll(/\s+/g, " ").slice(0, 400)}`));
    }
  }
  await page.emulateMedia({ colorScheme: null });
  assert.equal(found.length, 0, `axe on ${page.url()}\n${found.join("\n")}`);
}

/** Ends every transition at once: a colour on its way from one theme to the other is no colour to judge. */
function settle() {
  for (const animation of document.getAnimations()) {
    if (Number.isFinite(animation.effect?.getComputedTiming().endTime)) animation.finish();
    else animation.cancel();
  }
}

/** Fails when the page scrolls sideways or cuts a heading off at one of the widths, naming what it is. */
export async function fitsEveryWidth(page) {
  const before = page.viewportSize();
  const found = [];
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    found.push(
      ...(await page.evaluate((width) => {
        const root = document.documentElement;
        const cut = [...document.querySelectorAll("h1, h2")].filter((heading) => {
          const box = heading.closest(".clip, .grow") ?? heading;
          const forReadersOnly = box.clientWidth <= 1;
          return !forReadersOnly && getComputedStyle(box).overflowX === "hidden" && box.scrollWidth > box.clientWidth;
        });
        if (cut.length) return [`${width} px: cut off: ${cut.map((heading) => heading.innerText)}`];
        if (root.scrollWidth <= root.clientWidth) return [];
        const culprits = [...document.querySelectorAll("body *")]
          .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1)
          .slice(-3)
          .map((element) => element.outerHTML.slice(0, 120));
        return [`${width} px: ${root.scrollWidth} px wide: ${culprits.join(" | ")}`];
      }, width)),
    );
  }
  if (before) await page.setViewportSize(before);
  assert.equal(found.length, 0, `sideways scroll or a heading cut off on ${page.url()}\n${found.join("\n")}`);
}

const DESKTOP = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };

/** A picture of the whole page, or of the whole window over it, in the folder REMIT_SHOTS, where that is set. */
export async function shot(page, name) {
  const folder = process.env.REMIT_SHOTS;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  const size = page.viewportSize() ?? DESKTOP;
  const file = { path: path.join(folder, `${name}-${size.width}.png`) };
  const hidden = await page.evaluate(() => {
    const window = [...document.querySelectorAll("dialog[open]")].at(-1);
    return window && Math.max(...[window, ...window.querySelectorAll(".body")].map((part) => part.scrollHeight - part.clientHeight));
  });
  if (hidden === undefined) return page.screenshot({ ...file, fullPage: true });
  await page.setViewportSize({ ...size, height: size.height + hidden });
  await page.screenshot(file);
  return page.setViewportSize(size);
}

/** Pictures at both widths in both themes; the page is left as it was. */
export async function pictures(page, name) {
  if (!process.env.REMIT_SHOTS) return;
  const before = page.viewportSize() ?? DESKTOP;
  for (const size of [DESKTOP, PHONE]) {
    await page.setViewportSize(size);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await shot(page, `${name}${colorScheme === "dark" ? "-dark" : ""}`);
    }
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(before);
}

/** A page at both widths: pictures, axe in both themes, no sideways scroll. */
export async function looks(page, name) {
  await pictures(page, name);
  for (const size of [DESKTOP, PHONE]) {
    await page.setViewportSize(size);
    await axe(page);
  }
  await fitsEveryWidth(page);
  await page.setViewportSize(DESKTOP);
}

/** What a phone's camera reads off a QR code on the screen. */
export async function scan(locator) {
  const folder = await mkdtemp(path.join(tmpdir(), "remit-qr-"));
  try {
    const picture = path.join(folder, "qr.png");
    await locator.screenshot({ path: picture });
    return execFileSync("zbarimg", ["-q", "--raw", picture], { encoding: "utf8" }).trim();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The first answer of `ask` that is true; fails saying what was waited for. */
export async function eventually(what, ask, withinMs = ANSWER_WITHIN_MS) {
  const end = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    assert.ok(Date.now() < end, `not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A button or a link by its name: which of the two it is, is the page's own business. */
export function control(scope, name) {
  const exact = typeof name === "string";
  return scope
    .getByRole("button", { name, exact })
    .or(scope.getByRole("link", { name, exact }))
    .filter({ visible: true })
    .first();
}
