// Staff are told: a message on every open page when a link is paid, and a bell that counts what is new to each person.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";
import { eventually, makeAppointment, makeClinicFixture, openClinic, openDevice } from "./harness.mjs";
import { Phone } from "./phone.mjs";

let clinic, browser, demo;
before(async () => {
  clinic = await openClinic();
  ({ browser, demo } = clinic);
});
after(() => clinic?.close());

/** A link for this price, and who is to pay it. */
async function asksFor(price) {
  const fixture = await makeClinicFixture(demo.api, { price, deposit: { kind: "none" } });
  const appointment = await makeAppointment(demo.api, fixture);
  const link = await demo.api.post(`/appointments/${appointment.id}/payment-links`, { purpose: "balance" });
  return { link, patient: fixture.patient.name };
}

async function pays(link) {
  const phone = await Phone.pickUp(browser, demo);
  await phone.openLink(link.url);
  await phone.continueWith("card");
  await phone.payByCard();
  await phone.close();
}

test("a payment is said on every open page, counted at the bell, and read once it was looked at", async () => {
  const [diary, patients] = [await Desk.signIn(browser, demo), await Desk.signIn(browser, demo, "phone")];
  await diary.openDiary();
  await patients.page.goto("/patients");
  const before = await diary.unread();
  const { link, patient } = await asksFor(3_150);
  await pays(link);
  await diary.hears(`${patient} paid £31.50`);
  await patients.hears(`${patient} paid £31.50`);
  await diary.picture("toast");
  await patients.picture("toast-phone");
  await eventually("the bell counts it", async () => (await diary.unread()) === before + 1);

  await diary.openNotifications();
  const row = diary.notifications.getByRole("listitem").filter({ hasText: `${patient} paid £31.50` });
  await row.getByText("Unread").waitFor({ state: "attached" });
  await diary.picture("notifications-window");
  await diary.page.keyboard.press("Escape");
  await eventually("the bell is quiet", async () => (await diary.unread()) === 0);

  await patients.openNotifications();
  await patients.picture("notifications-window-phone");
  await patients.notifications.getByRole("link", { name: new RegExp(patient) }).first().click();
  await patients.page.getByRole("heading", { name: patient }).first().waitFor();
  await diary.close();
  await patients.close();
});

test("the bell is a page where there is no script", async () => {
  const { link, patient } = await asksFor(2_250);
  await pays(link);
  const device = await openDevice(browser, demo, "desktop", { javaScript: false });
  const desk = new Desk(device);
  await desk.page.goto("/");
  await desk.page.getByLabel("Email").fill(demo.email);
  await desk.page.getByLabel("Password", { exact: true }).fill(demo.password);
  await desk.page.getByRole("button", { name: "Sign in" }).click();
  await desk.bell.click();
  await desk.page.getByRole("heading", { name: "Notifications", level: 1 }).waitFor();
  await desk.page.getByRole("listitem").filter({ hasText: `${patient} paid £22.50` }).waitFor();
  await desk.page.getByRole("button", { name: "Mark all as read" }).click();
  await desk.page.getByRole("heading", { name: "Notifications", level: 1 }).waitFor();
  assert.equal(await desk.unread(), 0);
  await desk.close();
});
