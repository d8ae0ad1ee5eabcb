// What every page keeps to, whoever it is for: no axe violation in either theme, no sideways scroll from 320 px to
// 1440 px, nothing refused by the Content-Security-Policy, nothing fetched from anywhere else, no script error. The
// patient's page also has a weight.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";
import {
  axe, control, eventually, fitsEveryWidth, gbp, makeAppointment, makeClinicFixture, openClinic, openDevice, pictures,
} from "./harness.mjs";
import { CARDS, Phone } from "./phone.mjs";

/** Bytes over the wire for everything the patient's page loads. */
const PATIENT_PAGE_BYTES_MAX = 15 * 1024;

let clinic, browser, demo, fixture;
before(async () => {
  clinic = await openClinic({ withHistory: true });
  ({ browser, demo } = clinic);
  fixture = await makeClinicFixture(demo.api);
});
after(() => clinic?.close());

/** Staff pages: a name for the picture, and how the receptionist gets there. */
const STAFF_PAGES = [
  ["diary", (desk) => desk.openDiary()],
  ["booking", async (desk) => { await desk.openDiary(); await desk.beginBooking(); }],
  ["appointment", async (desk) => desk.openAppointment((await makeAppointment(demo.api, fixture)).id)],
  ["link-window", openLinkWindow],
  ["online-payments", (desk) => desk.openOnlinePayments()],
  ["online-payments-empty", async (desk) => {
    await desk.openOnlinePayments();
    await desk.page.getByRole("searchbox").first().fill("nobody of this name");
    await desk.page.getByRole("searchbox").first().press("Enter");
    await desk.page.waitForURL(/q=nobody/);
  }],
  ["summary", (desk) => desk.goTo("Summary")],
  ["summary-empty", async (desk) => {
    await desk.page.goto("/financials/summary?range=custom&from=2020-01-01&to=2020-01-05");
    await desk.page.getByRole("heading", { name: "Nothing happened in these days" }).waitFor();
  }],
  ["payments-received", async (desk) => { await desk.goTo("Summary"); await desk.page.getByRole("link", { name: "Klarna" }).first().click(); await desk.page.getByRole("heading", { name: "Payments received" }).waitFor(); }],
  ["findings", (desk) => desk.goTo(/^Credits/)],
  ["credits", (desk) => desk.page.goto("/financials/findings?view=credits")],
  ["settings-payment-methods", async (desk) => { await desk.goTo("Settings"); await desk.goTo("Payment methods"); }],
  ["settings-providers", async (desk) => { await desk.goTo("Settings"); await desk.goTo("Providers"); }],
  ["settings-services", async (desk) => { await desk.goTo("Settings"); await desk.goTo("Services and deposits"); }],
  ["settings-refunds", async (desk) => { await desk.goTo("Settings"); await desk.goTo("Refunds"); }],
  ["settings-receipts", async (desk) => { await desk.goTo("Settings"); await desk.goTo("Receipts"); }],
  ["settings-messages", async (desk) => { await desk.goTo("Settings"); await desk.goTo("Messages"); }],
  ["settings-limits", async (desk) => { await desk.goTo("Settings"); await desk.goTo("Limits"); }],
  ["settings-reminders", async (desk) => { await desk.goTo("Settings"); await desk.goTo("Reminders"); }],
  ["settings-digest", async (desk) => { await desk.goTo("Settings"); await desk.goTo("Daily digest"); }],
  ["settings-audit", async (desk) => { await desk.goTo("Settings"); await desk.goTo("Audit log"); }],
  ["notifications", (desk) => desk.page.goto("/notifications")],
  ["notifications-window", (desk) => desk.openNotifications()],
  ["receipt", async (desk) => desk.page.goto(`/payments/${(await cashPayment()).id}/receipt`)],
  ["payment-disputed", async (desk) => desk.page.goto(`/payments/${(await disputedPayment()).id}`)],
  ["appointment-disputed", async (desk) => desk.openAppointment((await disputedPayment()).appointment_id)],
  ["online-payments-disputed", async (desk) => { await disputedPayment(); await desk.openOnlinePayments(); }],
  ["refund", async (desk) => desk.page.goto(`/payments/${(await cashPayment()).id}/refund`)],
  ["refund-waiting", async (desk) => desk.page.goto(`/payments/${(await waitingRefund()).payment_id}`)],
  ["appointment-waiting", async (desk) => desk.openAppointment((await waitingRefund()).appointment_id)],
  ["not-found", (desk) => desk.page.goto("/appointments/apt_nothing")],
];

/** Patient pages: a name for the picture, and how the patient gets there from a fresh link. */
const PATIENT_PAGES = [
  ["pay", (phone, link) => phone.openLink(link.url)],
  ["paid", payByCard],
  ["receipt", async (phone, link) => { await payByCard(phone, link); await phone.openReceipt(); }],
  ["in-progress", async (phone, link) => {
    await phone.openLink(link.url);
    await phone.continueWith("klarna");
    await phone.decide("Approve later");
    await phone.page.getByRole("heading", { level: 1 }).waitFor();
  }],
  ["cancelled", async (phone, link) => {
    await demo.api.post(`/payment-links/${link.id}/cancel`);
    await phone.openLink(link.url);
  }],
  ["unknown", (phone, link) => phone.openLink(new URL("/p/0000000000000000000000000000", link.url).href)],
  ["sandbox-card", async (phone, link) => { await phone.openLink(link.url); await phone.continueWith("card"); }],
  ["sandbox-klarna", async (phone, link) => { await phone.openLink(link.url); await phone.continueWith("klarna"); }],
  ["sandbox-paid", async (phone) => {
    const payment = await disputedPayment();
    await phone.page.goto(`/sandbox/pay/${payment.provider_payment_id.replace("sbx_pay_", "sbx_ses_")}`);
  }],
  ["messages", (phone) => phone.page.goto("/demo/messages")],
];

test("sign-in", async () => {
  for (const kind of ["desktop", "phone"]) {
    const device = await openDevice(browser, demo, kind);
    await device.page.goto("/");
    await device.page.getByLabel("Email").waitFor();
    await keepsTheRules(device.page, "sign-in");
    await device.close();
  }
});

for (const [name, open] of STAFF_PAGES) {
  test(`staff: ${name}`, async () => {
    const desk = await Desk.signIn(browser, demo);
    await open(desk);
    await keepsTheRules(desk.page, `staff-${name}`);
    await desk.close();
  });
}

for (const [name, open] of PATIENT_PAGES) {
  test(`patient: ${name}`, async () => {
    const phone = await Phone.pickUp(browser, demo);
    await open(phone, await freshLink());
    await keepsTheRules(phone.page, `patient-${name}`);
    await phone.close();
  });
}

test("patient: paused while the clinic takes no payments, and open again after", async () => {
  const takesPayments = (enabled) => demo.api.put("/settings/providers/sandbox", { enabled });
  const phone = await Phone.pickUp(browser, demo);
  const link = await freshLink();
  await takesPayments(false);
  try {
    await phone.openLink(link.url);
    await phone.sees("Payment is paused for a moment");
    await phone.cannotPay();
    await keepsTheRules(phone.page, "patient-paused");
  } finally {
    await takesPayments(true);
  }
  await control(phone.page, "Check again").click();
  await phone.continueWith("card");
  await phone.close();
});

test("the patient's page is light", async () => {
  const phone = await Phone.pickUp(browser, demo);
  const finished = [];
  phone.device.context.on("requestfinished", (request) => finished.push(request));
  await phone.page.goto((await freshLink()).url, { waitUntil: "networkidle" });
  const sizes = await Promise.all(finished.map((request) => request.sizes()));
  const bytes = sizes.reduce((sum, size) => sum + size.responseBodySize, 0);
  const listed = finished.map((request, at) => `${new URL(request.url()).pathname.slice(0, 40)} ${sizes[at].responseBodySize}`);
  assert.ok(bytes <= PATIENT_PAGE_BYTES_MAX, `${bytes} bytes: ${listed.join(", ")}`);
  await phone.close();
});

test("unknown and malformed addresses get the same answer", async () => {
  const known = (await freshLink()).url;
  const shapes = [known.replace(/.{4}$/, "AAAA"), new URL("/p/x", known).href, new URL("/p/%00%ff", known).href];
  const answers = await Promise.all(shapes.map(async (url) => {
    const answer = await fetch(url);
    return `${answer.status} ${await answer.text()}`;
  }));
  for (const answer of answers) assert.equal(answer, answers[0]);
});

async function keepsTheRules(page, name) {
  await pictures(page, name);
  await fitsEveryWidth(page);
  await axe(page);
}

async function freshLink() {
  const appointment = await makeAppointment(demo.api, fixture);
  return demo.api.post(`/appointments/${appointment.id}/payment-links`, { purpose: "balance" });
}

async function openLinkWindow(desk) {
  const appointment = await makeAppointment(demo.api, fixture);
  await desk.openAppointment(appointment.id);
  await desk.takeBy(/^Online Payment/, "25.00");
  await desk.confirmCheckout(/create link/i);
  await desk.linkWindow.waitFor();
}

async function payByCard(phone, link) {
  await phone.openLink(link.url);
  await phone.continueWith("card");
  await phone.payByCard();
  await phone.seesPaid("£120.00");
}

/** A payment that its bank disputes: paid with the card that does it. */
async function disputedPayment() {
  const link = await freshLink();
  const phone = await Phone.pickUp(browser, demo);
  await phone.openLink(link.url);
  await phone.continueWith("card");
  await phone.payByCard(CARDS.disputed);
  await phone.seesPaid("£120.00");
  await phone.close();
  return eventually("the dispute is known", async () => {
    const { data } = await demo.api.get(`/payments?appointment_id=${link.appointment_id}`);
    return data.find((payment) => payment.disputes.length > 0);
  });
}

async function cashPayment() {
  const appointment = await makeAppointment(demo.api, fixture);
  return demo.api.post(`/appointments/${appointment.id}/payments`, { method: "cash", amount: gbp(9_000) });
}

/** A refund above the clinic's limit, asked for by somebody else than who looks at it. */
async function waitingRefund() {
  await demo.api.put("/settings/refunds", { approval_above: gbp(5_000), reception_max: null });
  const payment = await cashPayment();
  const refund = await demo.api.post(`/payments/${payment.id}/refunds`, { amount: gbp(6_000), reason: "Course cut short" });
  assert.equal(refund.approval, "needed");
  return refund;
}
