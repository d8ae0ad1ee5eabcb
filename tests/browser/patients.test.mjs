// Patients: found as one types, changed by two at once, noted, merged.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";
import { control, eventually, looks, makeAppointment, makeClinicFixture, openClinic } from "./harness.mjs";

const NAMES = [
  `Aurelia ${"Featherstonehaugh-Cholmondeley ".repeat(7)}`.slice(0, 199).trim(),
  "مريم عبد الرحمن الحسن",
  "Ann 🙂 Lee 👩‍👩‍👧",
];

let clinic, browser, demo;
before(async () => {
  clinic = await openClinic();
  ({ browser, demo } = clinic);
});
after(() => clinic?.close());

test("a patient is found while one types, by name, number or address", async () => {
  for (const [at, name] of NAMES.entries()) {
    await demo.api.post("/patients", { name, phone: `+4477009008${10 + at}`, email: `p${at}@names.example` });
  }
  const desk = await Desk.signIn(browser, demo);
  const { page } = desk;
  await desk.goTo("Patients");
  const search = page.getByRole("searchbox");
  for (const [typed, found] of [
    ["aurelia", NAMES[0]],
    ["07700-900-811", NAMES[1]],
    ["lee ann", NAMES[2]],
    ["p1@names", NAMES[1]],
    ["الحسن", NAMES[1]],
  ]) {
    await search.fill("");
    await search.pressSequentially(typed);
    await page.getByRole("link", { name: found }).waitFor();
    await eventually(`${typed} finds one alone`, async () => (await page.locator("#people tbody tr").count()) === 1);
  }
  await search.fill("nobody at all");
  await page.getByText("Nobody is found").waitFor();
  await search.fill("");
  await page.getByRole("link", { name: NAMES[0] }).waitFor();
  await looks(page, "patients");
  for (const [at, name] of NAMES.entries()) {
    await search.fill(name.split(" ")[0]);
    await page.getByRole("link", { name }).click();
    await page.getByRole("heading", { level: 1, name }).waitFor();
    await looks(page, `patient-name-${at}`);
    await desk.goTo("Patients");
  }
  await desk.close();
});

test("two who save the same record do not overwrite each other", async () => {
  const { patient } = await makeClinicFixture(demo.api);
  const [one, two] = [await Desk.signIn(browser, demo), await Desk.signIn(browser, demo, "phone")];
  for (const desk of [one, two]) await desk.page.goto(`/patients/${patient.id}`);
  await one.page.getByLabel("Mobile").fill("07700 900444");
  await control(one.page, "Save contact").click();
  await one.page.getByText("Saved", { exact: true }).waitFor();
  await two.page.getByLabel("Full name").fill("Imogen Ashdown-Gray");
  await control(two.page, "Save contact").click();
  await two.page.getByText(/Stephen Marsh changed this at/).waitFor();
  await two.page.getByText("+44 7700 900444").waitFor();
  assert.equal(await two.page.getByLabel("Full name").inputValue(), "Imogen Ashdown-Gray");
  await looks(two.page, "patient-meanwhile");
  await two.page.getByLabel("Mobile").fill("12");
  await control(two.page, "Save contact").click();
  await two.page.locator("#phone-error").waitFor();
  assert.equal(await two.page.evaluate(() => document.activeElement.id), "phone");
  await two.page.getByLabel("Mobile").fill("07700 900444");
  await control(two.page, "Save contact").click();
  await two.page.getByText("Saved", { exact: true }).waitFor();
  const kept = await demo.api.get(`/patients/${patient.id}`);
  assert.deepEqual([kept.name, kept.phone], ["Imogen Ashdown-Gray", "+447700900444"]);
  await one.close();
  await two.close();
});

test("the language of messages is chosen on the record, and the patient's page speaks it", async () => {
  const fixture = await makeClinicFixture(demo.api);
  const desk = await Desk.signIn(browser, demo);
  await desk.page.goto(`/patients/${fixture.patient.id}`);
  const language = desk.page.getByLabel("Language of messages");
  assert.equal(await language.evaluate((select) => select.selectedOptions[0].textContent), "English");
  await language.selectOption({ label: "Polish" });
  await control(desk.page, "Save contact").click();
  await desk.page.getByText("Saved", { exact: true }).waitFor();
  assert.equal(await language.inputValue(), "pl");
  assert.equal((await demo.api.get(`/patients/${fixture.patient.id}`)).locale, "pl");
  const appointment = await makeAppointment(demo.api, fixture);
  const link = await demo.api.post(`/appointments/${appointment.id}/payment-links`, { purpose: "balance" });
  await desk.page.goto(link.url);
  assert.equal(await desk.page.locator("html").getAttribute("lang"), "pl");
  await desk.close();
});

test("a note is written and struck through, and a duplicate is merged", async () => {
  const first = await makeClinicFixture(demo.api);
  const second = await makeClinicFixture(demo.api);
  await demo.api.patch(`/patients/${second.patient.id}`, { phone: first.patient.phone, name: "Imogen Ashdowne" });
  const appointment = await makeAppointment(demo.api, second);
  await demo.api.post(`/appointments/${appointment.id}/payments`, { method: "cash", amount: { amount: 500, currency: "GBP" } });
  await demo.api.post(`/appointments/${appointment.id}/payment-links`, { purpose: "balance" });
  const desk = await Desk.signIn(browser, demo);
  const { page } = desk;
  await page.goto(`/patients/${first.patient.id}`);
  await control(page, "Add note").click();
  await page.getByText("Write something first.").waitFor();
  await page.getByLabel("New note").fill("Prefers mornings.\nRings twice.");
  await control(page, "Add note").click();
  await page.getByText("Rings twice.").waitFor();
  await page.getByLabel("New note").fill("Written by mistake");
  await control(page, "Add note").click();
  const wrong = page.getByRole("listitem").filter({ hasText: "Written by mistake" });
  await wrong.getByRole("button", { name: /Strike/ }).click();
  await page.getByText(/Struck through by Stephen Marsh/).waitFor();
  assert.equal(await page.locator("s").textContent(), "Written by mistake");
  await page.getByText("Shares a number or an address with").waitFor();
  await looks(page, "patient");

  await control(page, "Merge a duplicate").click();
  await looks(page, "merge-search");
  await page.getByRole("link", { name: /Look at both/ }).first().click();
  await page.getByText("1 appointment, 1 payment link move here").waitFor();
  await page.getByRole("radio", { name: /Imogen Ashdowne/ }).check();
  await looks(page, "merge");
  await control(page, "Merge into this record").click();
  await page.getByText("Merged", { exact: true }).waitFor();
  await page.getByRole("heading", { level: 1, name: "Imogen Ashdowne" }).waitFor();
  await page.getByText("£5.00").first().waitFor();
  await page.goto(`/patients/${second.patient.id}`);
  await page.waitForURL(new RegExp(first.patient.id));
  await looks(page, "patient-merged");
  assert.equal((await demo.api.get(`/patients/${second.patient.id}`)).id, first.patient.id);
  await desk.close();
});
