// What the front desk's work takes, measured as it is played: actions, seconds, first paint of each page, and how soon a
// payment is seen. The figures are printed (and written to REMIT_MEASURES); only the actions have a limit here, times
// belong to docs/benchmarks.md.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";
import { control, makeAppointment, makeClinicFixture, openClinic, tomorrow } from "./harness.mjs";
import { Phone } from "./phone.mjs";

const ACTIONS_MAX = 4;
const measured = {};

let clinic, browser, demo;
before(async () => {
  clinic = await openClinic({ withHistory: true });
  ({ browser, demo } = clinic);
});
after(async () => {
  await clinic?.close();
  for (const [name, figure] of Object.entries(measured)) console.log(`measured: ${name}: ${figure}`);
  if (process.env.REMIT_MEASURES) await writeFile(process.env.REMIT_MEASURES, JSON.stringify(measured, null, 2));
});

/** Counts what a hand does: a click, a key that chooses, a field that is filled. Typing words is one action of its field. */
function counting() {
  const began = performance.now();
  let actions = 0;
  return {
    act: async (what) => {
      actions += 1;
      await what;
    },
    done: (name) => {
      measured[name] = `${actions} actions, ${((performance.now() - began) / 1_000).toFixed(1)} s`;
      return actions;
    },
  };
}

/** A click on a free time of tomorrow's diary, where one practitioner alone is shown. */
async function clickAt(desk, fixture, hour) {
  await desk.page.goto(`/diary?day=${tomorrow()}&only=${fixture.practitioner.id}`);
  await desk.page.locator(".ec-main").waitFor();
  const first = Number((await desk.page.locator("[data-calendar]").getAttribute("data-from")).slice(0, 2));
  const main = desk.page.locator(".ec-main");
  await main.evaluate((element) => (element.scrollTop = 0));
  const day = await desk.page.locator(".ec-main .ec-day").first().boundingBox();
  return () => desk.page.mouse.click(day.x + day.width / 2, day.y + (hour - first) * 80 + 5);
}

test("a deposit link for a known patient takes at most four actions", async () => {
  const fixture = await makeClinicFixture(demo.api);
  await makeAppointment(demo.api, fixture); // what the practitioner is booked for most days needs no choosing
  const desk = await Desk.signIn(browser, demo);
  const press = await clickAt(desk, fixture, 14);
  const { act, done } = counting();
  await act(press());
  await desk.booking.waitFor();
  const search = desk.booking.getByRole("combobox", { name: /patients/i });
  await search.pressSequentially(fixture.patient.name);
  await desk.booking.getByRole("option", { name: fixture.patient.name }).first().waitFor();
  await act(search.press("Enter"));
  await desk.seesDepositDue("£30.00");
  await act(desk.sendOnlinePaymentLink());
  await act(desk.sendViaSms());
  await desk.seesLinkBecome("Sent", 15_000);
  const actions = done("deposit link, known patient");
  assert.ok(actions <= ACTIONS_MAX, `${actions} actions`);
  await desk.close();
});

test("a deposit link for a new patient", async () => {
  const fixture = await makeClinicFixture(demo.api);
  await makeAppointment(demo.api, fixture);
  const desk = await Desk.signIn(browser, demo);
  const press = await clickAt(desk, fixture, 15);
  const { act, done } = counting();
  await act(press());
  await desk.booking.waitFor();
  const name = `Rhiannon Mostyn ${process.pid}`;
  await desk.booking.getByRole("combobox", { name: /patients/i }).pressSequentially(name);
  await act(desk.booking.getByRole("option", { name: /as a new patient/ }).click());
  await act(desk.booking.getByLabel("Mobile").fill("07700 900631"));
  await act(desk.sendOnlinePaymentLink());
  await act(desk.sendViaSms());
  await desk.seesLinkBecome("Sent", 15_000);
  assert.ok(done("deposit link, new patient") <= ACTIONS_MAX + 1);
  await desk.close();
});

test("a payment is seen at the desk by itself", async () => {
  const fixture = await makeClinicFixture(demo.api, { deposit: { kind: "none" } });
  const appointment = await makeAppointment(demo.api, fixture);
  const link = await demo.api.post(`/appointments/${appointment.id}/payment-links`, { purpose: "balance" });
  const desk = await Desk.signIn(browser, demo);
  const phone = await Phone.pickUp(browser, demo);
  await desk.page.goto(`/payment-links/${link.id}`);
  await desk.page.locator("[data-live-state]").first().waitFor();
  await phone.openLink(link.url);
  await phone.continueWith("card");
  await phone.page.getByLabel("Card number").fill("4242 4242 4242 4242");
  await phone.page.getByLabel(/^Expiry/).fill("12 / 34");
  await phone.page.getByLabel(/^(CVC|Security code)/).fill("123");
  const began = performance.now();
  await Promise.all([
    control(phone.page, /^Pay\b/).click(),
    desk.page.locator(".st").filter({ hasText: "Paid" }).first().waitFor(),
  ]);
  measured["patient presses Pay until Paid stands on the receptionist's screen"] = `${Math.round(performance.now() - began)} ms`;
  await phone.seesPaid("£120.00");
  await phone.close();
  await desk.close();
});

test("first paint of each staff page", async () => {
  const fixture = await makeClinicFixture(demo.api);
  const appointment = await makeAppointment(demo.api, fixture);
  const link = await demo.api.post(`/appointments/${appointment.id}/payment-links`, { purpose: "balance" });
  const desk = await Desk.signIn(browser, demo);
  const pages = {
    Diary: "/diary",
    Appointment: `/appointments/${appointment.id}`,
    "Link window": `/payment-links/${link.id}`,
    "Online Payments": "/financials/online-payments",
    "Follow up": "/financials/online-payments/follow-up",
    Summary: "/financials/summary",
    "Credits & findings": "/financials/findings",
    Patients: "/patients",
    Patient: `/patients/${fixture.patient.id}`,
    "Settings, Payment methods": "/settings/payment-methods",
  };
  for (const [name, address] of Object.entries(pages)) {
    await desk.page.goto(address);
    const at = await desk.page.evaluate(
      () =>
        new Promise((resolve) => {
          new PerformanceObserver((list) => resolve(list.getEntries()[0].startTime)).observe({ type: "paint", buffered: true });
        }),
    );
    assert.ok(at > 0);
    measured[`first paint, ${name}`] = `${Math.round(at)} ms`;
  }
  await desk.close();
});
