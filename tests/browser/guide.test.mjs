// The user guide's steps, played on the demo's clinic. With REMIT_GUIDE naming a folder the guide's pictures are written
// there; `scripts/pictures` does that.

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";
import { axe, control, gbp, openClinic } from "./harness.mjs";
import { CARDS, Phone } from "./phone.mjs";

let clinic, browser, demo;
before(async () => {
  clinic = await openClinic({ withHistory: true });
  ({ browser, demo } = clinic);
});
after(() => clinic?.close());

/** What the reader's screen shows: one screenful, without the rest of a long page. */
async function picture(page, name) {
  await axe(page);
  const folder = process.env.REMIT_GUIDE;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  // Colours take a moment to change back after both themes were looked at.
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  await page.mouse.move(0, 0);
  await page.waitForTimeout(500);
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}

const today = () => new Date().toISOString().slice(0, 10);

test("a deposit on the phone, as the guide tells it", async () => {
  const desk = await Desk.signIn(browser, demo);
  await desk.openDiary();
  await desk.page.locator(".ec-main").waitFor();
  await picture(desk.page, "diary");
  await desk.beginBooking();
  await desk.choosePatient("Eleanor Chadwick");
  await desk.chooseService("Physiotherapy assessment");
  await desk.chooseTime(new Date(Date.now() + 6 * 86_400_000).toISOString().slice(0, 10), "12:00");
  await desk.seesDepositDue("£20.00");
  await picture(desk.page, "booking");
  await control(desk.page, "Send Online Payment Link").click();
  // The demo's diary is a busy one: the time may be taken.
  const window = desk.linkWindow.or(control(desk.page, "Book anyway")).first();
  await window.waitFor();
  if (await control(desk.page, "Book anyway").isVisible()) await control(desk.page, "Book anyway").click();
  await desk.linkWindow.waitFor();
  const url = await desk.linkAddress();
  await desk.sendViaSms();
  await desk.seesLinkBecome("Sent", 10_000);
  const phone = await Phone.pickUp(browser, demo);
  await phone.openLink(url);
  await phone.seesAmount("£20.00");
  await phone.page.touchscreen.tap(20, 20);
  await desk.seesLinkBecome("Accessed", 10_000);
  await picture(desk.page, "link-window");
  await picture(phone.page, "pay");
  await phone.continueWith("card");
  await phone.payByCard(CARDS.succeeds);
  await phone.seesPaid("£20.00");
  await picture(phone.page, "paid");
  await desk.seesLinkBecome("Paid", 10_000);
  await phone.close();
  await desk.close();
});

test("checkout, and a patient who does not come", async () => {
  const patient = (await demo.api.get("/patients?q=Hannah")).data[0];
  const services = (await demo.api.get("/services")).data;
  const practitioners = (await demo.api.get("/practitioners")).data;
  const named = (list, name) => list.find((one) => one.name.startsWith(name));
  const visit = await demo.api.post("/appointments", {
    patient_id: patient.id,
    service_ids: [named(services, "Physiotherapy assessment").id],
    practitioner_id: named(practitioners, "Tom Hargreaves").id,
    starts_at: `${today()}T10:00:00Z`,
  });
  await demo.api.post(`/appointments/${visit.id}/payments`, { method: "card_terminal", amount: gbp(2_000) });
  await demo.api.post(`/appointments/${visit.id}/charges`, { description: "Resistance band set", amount: gbp(1_250) });
  const desk = await Desk.signIn(browser, demo);
  await desk.openAppointment(visit.id);
  await desk.takeBy("Cash", "20.00");
  await desk.takeBy(/^Online Payment/, "37.50");
  await picture(desk.page, "checkout");
  await control(desk.page, "Change status").click();
  await control(desk.page, "Cancelled").click();
  await desk.page.getByRole("dialog", { name: /^Cancel the appointment/ }).waitFor();
  await picture(desk.page, "ending");
  await desk.close();
});

test("lists, figures and settings", async () => {
  const desk = await Desk.signIn(browser, demo);
  for (const [name, address] of [
    ["online-payments", "/financials/online-payments"],
    ["follow-up", "/financials/online-payments/follow-up"],
    ["summary", "/financials/summary"],
    ["findings", "/financials/findings"],
    ["payment-methods", "/settings/payment-methods"],
  ]) {
    await desk.page.goto(address);
    await desk.page.getByRole("heading", { level: 1 }).first().waitFor();
    await picture(desk.page, name);
  }
  await desk.close();
});
