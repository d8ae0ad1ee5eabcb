// The two journeys of the front desk, whole: a deposit at booking, and a checkout split over methods.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";
import {
  Clock, eventually, makeAppointment, makeClinicFixture, openClinic, pictures, scan, startDemo, tomorrow,
} from "./harness.mjs";
import { CARDS, Phone } from "./phone.mjs";

let clinic, browser, demo;
before(async () => {
  clinic = await openClinic();
  ({ browser, demo } = clinic);
});
after(() => clinic?.close());

test("a deposit is asked for at booking, paid by card on a phone, and seen at the desk", async () => {
  const { patient, service, practitioner } = await makeClinicFixture(demo.api);
  const desk = await Desk.signIn(browser, demo);
  const phone = await Phone.pickUp(browser, demo);

  await desk.openDiary();
  await desk.picture("diary");
  await desk.beginBooking();
  await desk.choosePatient(patient.name);
  await desk.chooseService(service.name);
  await desk.choosePractitioner(practitioner.name);
  await desk.chooseTime(tomorrow(), "14:30");
  await desk.seesDepositDue("£30.00");
  await desk.picture("booking");
  await desk.sendOnlinePaymentLink();

  const url = await desk.linkAddress();
  assert.equal(await scan(desk.qrCode), url, "the QR code holds the address");
  const updates = desk.linkWindow.getByText("Updates by itself");
  await updates.waitFor();
  const remember = desk.linkWindow.getByLabel("Remember this number on the patient");
  assert.equal(await remember.isVisible(), false, "the patient's own number is known");
  const number = desk.linkWindow.getByLabel("Mobile number");
  const own = await number.inputValue();
  await number.fill("07700 900999");
  await remember.waitFor();
  await number.fill(own);
  await desk.sendViaSms();
  await desk.seesLinkBecome("Sent");
  await updates.waitFor();
  await pictures(desk.page, "link-window");

  await phone.tapLinkInMessage(url);
  await phone.seesAmount("£30.00");
  await phone.seesMethods(["card", "klarna", "clearpay"]);
  await phone.picture("pay");
  await phone.continueWith("card");
  await desk.seesLinkBecome("Accessed");
  await phone.picture("sandbox-card");
  await phone.payByCard();
  await phone.seesPaid("£30.00");
  await desk.seesLinkBecome("Paid");
  await desk.seesNothingLeftToSend();
  await phone.picture("paid");
  await desk.picture("link-window-paid");

  await desk.closeLinkWindow();
  await desk.seesPayment(/card/i, "£30.00");
  await desk.seesBalance("£90.00");
  await desk.picture("appointment");
  await phone.close();
  await desk.close();
});

test("cash takes a part, a link the rest, and Klarna pays it without JavaScript", async () => {
  const fixture = await makeClinicFixture(demo.api, { price: 7_750, deposit: { kind: "none" } });
  const appointment = await makeAppointment(demo.api, fixture);
  const desk = await Desk.signIn(browser, demo);
  const phone = await Phone.pickUp(browser, demo, { javaScript: false });

  await desk.openAppointment(appointment.id);
  await desk.takeBy(/^Cash/, "20.00");
  await desk.takeBy(/^Online Payment/, "57.50");
  await desk.picture("checkout");
  await desk.confirmCheckout(/£20\.00 cash.*£57\.50/);
  await desk.linkWindow.waitFor();
  const url = await desk.linkAddress();

  await phone.openLink(url);
  await phone.seesAmount("£57.50");
  await phone.picture("pay-no-script");
  await phone.continueWith("klarna");
  await phone.picture("sandbox-klarna");
  await phone.decide("Approve");
  await phone.seesPaid("£57.50");
  await desk.seesLinkBecome("Paid");

  await desk.closeLinkWindow();
  await desk.seesPayment(/cash/i, "£20.00");
  await desk.seesPayment(/klarna/i, "£57.50");
  await desk.seesBalance("£0.00");
  await desk.openOnlinePayments();
  await desk.searchOnlinePayments(fixture.patient.name);
  await desk.seesRow(fixture.patient.name, "Paid", "£57.50");
  await desk.picture("online-payments");
  await phone.close();
  await desk.close();
});

test("a declined card leaves the link payable, and the bank's own step completes it", async () => {
  const link = await balanceLink({ price: 4_100 });
  const phone = await Phone.pickUp(browser, demo);
  await phone.openLink(link.url);
  await phone.continueWith("card");
  await phone.payByCard(CARDS.declined);
  await phone.page.getByText(/declined/i).first().waitFor();
  await phone.openLink(link.url);
  await phone.continueWith("card");
  await phone.payByCard(CARDS.asksForConfirmation);
  await phone.decide(/approve|confirm|complete/i);
  await phone.seesPaid("£41.00");
  await phone.close();
});

test("a refused lender leaves the link payable, and Clearpay pays it later", async () => {
  const link = await balanceLink({ price: 8_000 });
  const phone = await Phone.pickUp(browser, demo);
  await phone.openLink(link.url);
  await phone.continueWith("clearpay");
  await phone.decide("Refuse");
  await phone.openLink(link.url);
  await phone.continueWith("clearpay");
  await phone.decide("Approve later");
  await phone.picture("in-progress");
  await eventually("the link is paid", async () => {
    return (await demo.api.get(`/payment-links/${link.id}`)).status === "paid";
  }, 60_000);
  await phone.openLink(link.url);
  await phone.seesPaid("£80.00");
  await phone.close();
});

test("opening a link by machine does not make it accessed; a person's touch does", async () => {
  const link = await balanceLink({ price: 5_000 });
  assert.equal((await fetch(link.url)).status, 200);
  assert.equal((await demo.api.get(`/payment-links/${link.id}`)).status, "created");
  const phone = await Phone.pickUp(browser, demo);
  await phone.openLink(link.url);
  await phone.page.touchscreen.tap(20, 20);
  await eventually("the link is accessed", async () => {
    return (await demo.api.get(`/payment-links/${link.id}`)).status === "accessed";
  });
  await phone.close();
});

test("after 48 hours the page offers a new link instead of a way to pay", async () => {
  const clock = await Clock.open();
  const later = await startDemo({ clock });
  try {
    const link = await balanceLink({ price: 5_000 }, later);
    await clock.move(48 * 3600 + 1);
    const phone = await Phone.pickUp(browser, later);
    await phone.openLink(link.url);
    await phone.sees(/expired/i);
    await phone.cannotPay();
    await phone.picture("expired");
    await phone.askForNewLink();
    await phone.page.getByText(/asked|told|let .* know|in touch/i).first().waitFor();
    await phone.close();
  } finally {
    await later.stop();
    await clock.close();
  }
});

async function balanceLink(options, at = demo) {
  const fixture = await makeClinicFixture(at.api, { deposit: { kind: "none" }, ...options });
  const appointment = await makeAppointment(at.api, fixture);
  return at.api.post(`/appointments/${appointment.id}/payment-links`, { purpose: "balance" });
}
