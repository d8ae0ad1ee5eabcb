// The appointment's money at the desk: charges added, discounted and removed, a mistake corrected, the QR code while the
// card machine is down, and what becomes of the money when the patient does not come.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";
import { axe, control, fitsEveryWidth, gbp, makeAppointment, makeClinicFixture, openClinic } from "./harness.mjs";

let clinic, browser, demo;
before(async () => {
  clinic = await openClinic();
  ({ browser, demo } = clinic);
});
after(() => clinic?.close());

/** A fresh appointment of £65.00, with so many pence paid in cash. */
async function visit({ cash = 0 } = {}) {
  const fixture = await makeClinicFixture(demo.api, { price: 6_500, deposit: { kind: "none" } });
  const appointment = await makeAppointment(demo.api, fixture);
  if (cash) await demo.api.post(`/appointments/${appointment.id}/payments`, { method: "cash", amount: gbp(cash) });
  return { ...appointment, patient: fixture.patient };
}
const read = (of) => demo.api.get(`/appointments/${of.id}`);
const charges = (desk) => desk.page.getByRole("region", { name: "Charges" });
const timeline = (desk) => desk.page.getByRole("region", { name: "Timeline" });

async function addCharge(desk, kind, description, amount, quantity = "1") {
  await charges(desk).getByText("Add charge", { exact: true }).click();
  await charges(desk).getByText(kind, { exact: true }).click();
  await charges(desk).getByLabel("Description").fill(description);
  await charges(desk).getByLabel("Qty").fill(quantity);
  await charges(desk).getByLabel("Amount each").fill(amount);
  await control(charges(desk), "Add").click();
}

for (const device of ["desktop", "phone"]) {
  test(`charges are added, discounted and removed with a reason, ${device}`, async () => {
    const of = await visit();
    const desk = await Desk.signIn(browser, demo, device);
    await desk.openAppointment(of.id);
    await addCharge(desk, "Charge", "Resistance band 🎗️ set", "6.25", "2");
    await charges(desk).getByText("Extra, £6.25 each").waitFor();
    await desk.seesBalance("£77.50");
    await addCharge(desk, "Discount", "Staff family", "7.50");
    await desk.seesBalance("£70.00");
    await timeline(desk).getByText(/Discount of £7\.50 given: Staff family/).waitFor();
    await addCharge(desk, "Charge", "Tape", "1.005");
    await charges(desk).locator(".field-error").waitFor();
    assert.equal(await charges(desk).getByLabel("Description").inputValue(), "Tape", "what was typed is kept");
    await axe(desk.page);
    await desk.openAppointment(of.id);
    await charges(desk).getByRole("button", { name: /^Remove Resistance/ }).click();
    await charges(desk).getByLabel(/^Why is Resistance/).fill("Not in stock");
    await axe(desk.page);
    await desk.picture("checkout-remove");
    await control(charges(desk), "Remove £12.50").click();
    await desk.seesBalance("£57.50");
    await timeline(desk).getByText(/Not in stock/).waitFor();
    await fitsEveryWidth(desk.page);
    await desk.close();
  });

  test(`cash and a link in one go, ${device}`, async () => {
    const of = await visit();
    const desk = await Desk.signIn(browser, demo, device);
    await desk.openAppointment(of.id);
    await desk.takeBy("Cash", "20");
    await desk.takeBy(/^Online Payment/, "45.00");
    await desk.page.getByText("Covers the whole balance").waitFor();
    await desk.picture("checkout");
    await axe(desk.page);
    await desk.confirmCheckout("Take £20.00 cash and create link for £45.00");
    await desk.linkWindow.waitFor();
    await desk.linkWindow.getByText("£45.00").first().waitFor();
    await axe(desk.page);
    await desk.picture("link-window");
    const after = await read(of);
    assert.deepEqual([after.paid.amount, after.balance.amount, after.payment_links[0].amount.amount], [2_000, 4_500, 4_500]);
    await desk.close();
  });

  test(`a cancelled appointment asks what becomes of the money, ${device}`, async () => {
    const of = await visit({ cash: 2_000 });
    const link = await demo.api.post(`/appointments/${of.id}/payment-links`, { purpose: "balance" });
    const desk = await Desk.signIn(browser, demo, device);
    await desk.openAppointment(of.id);
    await control(desk.page, "Change status").click();
    await control(desk.page, "Cancelled").click();
    const ask = desk.page.getByRole("dialog", { name: /^Cancel the appointment of/ });
    await ask.getByText("The payment link of £45.00 ends with it.").waitFor();
    await axe(desk.page);
    await desk.picture("ending-cancel");
    await control(ask, "Cancel appointment").click();
    await ask.getByText("Choose what becomes of the money.").waitFor();
    assert.equal((await read(of)).status, "booked", "nothing happens before it is decided");
    await ask.getByRole("radio", { name: /^Refund £20\.00/ }).check();
    await control(ask, "Cancel appointment").click();
    await desk.page.getByText("The appointment is cancelled. Nothing is to be paid.").waitFor();
    const after = await read(of);
    assert.deepEqual(
      [after.status, after.refunded.amount, after.credit.amount, after.balance.amount],
      ["cancelled", 2_000, 0, 0],
    );
    assert.equal((await demo.api.get(`/payment-links/${link.id}`)).status, "cancelled");
    await fitsEveryWidth(desk.page);
    await desk.close();
  });
}

test("a missed appointment keeps what was paid as a fee", async () => {
  const of = await visit({ cash: 2_000 });
  const desk = await Desk.signIn(browser, demo);
  await desk.openAppointment(of.id);
  await control(desk.page, "Change status").click();
  await control(desk.page, "No-show").click();
  const ask = desk.page.getByRole("dialog", { name: /did not come$/ });
  assert.ok(await ask.getByRole("radio", { name: /^Leave the bill/ }).isChecked(), "nothing is done unasked");
  await ask.getByRole("radio", { name: /^Keep £20\.00 as a missed appointment fee/ }).check();
  await desk.picture("ending-no-show");
  await control(ask, "Mark as no-show").click();
  await charges(desk).getByRole("cell", { name: /^Missed appointment fee/ }).waitFor();
  const after = await read(of);
  assert.deepEqual([after.status, after.total.amount, after.balance.amount, after.credit.amount], ["no_show", 2_000, 0, 0]);
  await desk.close();
});

test("credit is chosen, and nobody is asked again", async () => {
  const of = await visit({ cash: 2_000 });
  const desk = await Desk.signIn(browser, demo);
  await desk.page.goto(`/appointments/${of.id}/end?status=cancelled`);
  await desk.page.getByRole("radio", { name: /patient’s credit/ }).check();
  await control(desk.page, "Cancel appointment").click();
  await desk.page.getByText("The appointment is cancelled.").waitFor();
  assert.equal((await read(of)).credit.amount, 2_000);
  await desk.page.goto("/financials/findings");
  assert.equal(await desk.page.getByText(of.patient.name).count(), 0);
  await desk.close();
});

test("a payment recorded by mistake is corrected with a reason, and stays in the books", async () => {
  const of = await visit({ cash: 2_000 });
  const desk = await Desk.signIn(browser, demo);
  await desk.openAppointment(of.id);
  await desk.page.getByRole("link", { name: "Refund" }).click();
  await control(desk.page, "Correct this payment").click();
  await desk.page.getByText("Say what was wrong with the payment.").waitFor();
  await desk.page.getByLabel("What was wrong").fill("Entered for another patient");
  await desk.picture("checkout-correct");
  await axe(desk.page);
  await control(desk.page, "Correct this payment").click();
  await desk.seesBalance("£65.00");
  await desk.page.getByRole("region", { name: "Payments" }).getByText("Corrected").waitFor();
  await timeline(desk).getByText(/Payment of £20\.00 corrected/).waitFor();
  await timeline(desk).getByText(/Entered for another patient/).waitFor();
  assert.equal(await timeline(desk).getByText(/given back/).count(), 0, "no money went back");
  await desk.close();
});

test("the card machine is down: one press shows the QR code, and never makes a second link", async () => {
  const of = await visit();
  const desk = await Desk.signIn(browser, demo);
  await desk.openAppointment(of.id);
  await control(desk.page, /Card machine down/).click();
  await desk.linkWindow.waitFor();
  await desk.qrCode.waitFor();
  await desk.closeLinkWindow();
  await control(desk.page, /Show the QR code of the open link/).click();
  await desk.qrCode.waitFor();
  assert.equal((await read(of)).payment_links.length, 1);
  await desk.close();
});
