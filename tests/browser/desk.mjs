// The receptionist's verbs. Every selector of the staff pages stands here, by the names people read.

import assert from "node:assert/strict";
import { control, openDevice, shot } from "./harness.mjs";

/** Milliseconds until a live page shows what happened elsewhere. The promise is one second; the rest is a busy machine's. */
const LIVE_WITHIN_MS = 2_000;

export class Desk {
  /** Opens a computer at the front desk and signs in. */
  static async signIn(browser, demo, device = "desktop") {
    const desk = new Desk(await openDevice(browser, demo, device));
    await desk.page.goto("/");
    await desk.page.getByLabel("Email").fill(demo.email);
    await desk.page.getByLabel("Password", { exact: true }).fill(demo.password);
    await control(desk.page, "Sign in").click();
    await desk.page.getByRole("navigation").first().waitFor();
    // Its scripts listen by then.
    await desk.page.waitForLoadState("load");
    return desk;
  }

  constructor(device) {
    this.device = device;
    this.page = device.page;
  }

  close() {
    return this.device.close();
  }

  picture(name) {
    return shot(this.page, name);
  }

  /** Goes where the main menu leads: Diary, Patients, Online Payments, Settings ... */
  async goTo(name) {
    const link = this.page.getByRole("navigation").getByRole("link", { name }).filter({ visible: true }).first();
    // Until the next page listens: before that its links are plain links.
    await Promise.all([this.page.waitForEvent("load"), link.click()]);
    await this.page.getByRole("heading", { level: 1 }).first().waitFor();
  }

  openDiary() {
    return this.goTo("Diary");
  }

  async openAppointment(id) {
    await this.page.goto(`/appointments/${id}`);
    await this.page.getByRole("heading", { name: "Checkout" }).waitFor();
  }

  // ---------------------------------------------------------------- notifications

  get bell() {
    return this.page.getByRole("link", { name: /^Notifications/ }).filter({ visible: true });
  }

  get notifications() {
    return this.page.getByRole("dialog", { name: "Notifications" });
  }

  async openNotifications() {
    await this.bell.click();
    await this.notifications.waitFor();
  }

  /** How many the bell says are unread. */
  async unread() {
    const name = await this.bell.getAttribute("aria-label");
    return Number(/(\d+) unread/.exec(name)?.[1] ?? 0);
  }

  /** A message of this text appears on the open page by itself. */
  async hears(text) {
    await this.page.locator("#toasts").getByText(text).waitFor();
  }

  // ---------------------------------------------------------------- booking

  get booking() {
    return this.#windowWith(/New appointment/);
  }

  async beginBooking() {
    await control(this.page, /New appointment/).click();
    await this.booking.waitFor();
  }

  /** Types into the patient search and takes the one found. */
  async choosePatient(name) {
    const booking = this.booking;
    const search = booking
      .getByRole("combobox", { name: /patient/i })
      .or(booking.getByRole("searchbox", { name: /patient/i }))
      .first();
    // Without a script the choice is a radio button.
    const isCombobox = (await search.getAttribute("role")) === "combobox";
    await search.pressSequentially(name);
    const found = booking.getByRole("option", { name }).or(booking.getByRole("radio", { name })).first();
    await found.click();
    if (isCombobox) await booking.locator(".chosen", { hasText: name }).waitFor();
  }

  async chooseService(name) {
    await choose(this.booking.getByLabel(/^Service/), name);
  }

  async choosePractitioner(name) {
    await choose(this.booking.getByLabel("Practitioner"), name);
  }

  /** `date` as 2026-11-24, `time` as 14:30. */
  async chooseTime(date, time) {
    await this.booking.getByLabel("Date", { exact: true }).fill(date);
    await this.booking.getByLabel("Start", { exact: true }).fill(time);
  }

  async seesDepositDue(amount) {
    await this.booking.getByText("Deposit due").filter({ visible: true }).first().waitFor();
    await this.booking.getByText(amount).filter({ visible: true }).first().waitFor();
  }

  async sendOnlinePaymentLink() {
    await control(this.page, "Send Online Payment Link").click();
    await this.linkWindow.waitFor();
  }

  // ---------------------------------------------------------------- checkout

  /** Ticks a way of paying in Checkout and states its part, in pounds as typed. */
  async takeBy(way, pounds) {
    const tile = this.page.getByRole("checkbox", { name: way });
    if (!(await tile.isChecked())) await tile.check();
    await this.page.getByRole("textbox", { name: way }).fill(pounds);
  }

  /** Presses the button that says what will happen. */
  async confirmCheckout(says) {
    await control(this.page, says).click();
  }

  /** The Payments card of an appointment shows a payment of this amount, made this way. */
  async seesPayment(way, amount) {
    const payments = this.page.getByRole("region", { name: "Payments" });
    await payments.getByRole("row").filter({ hasText: way }).filter({ hasText: amount }).first().waitFor();
  }

  async seesBalance(amount) {
    const checkout = this.page.getByRole("region", { name: "Checkout" });
    await checkout.getByText("Balance", { exact: true }).first().waitFor();
    await checkout.getByText(amount, { exact: true }).first().waitFor();
  }

  // ---------------------------------------------------------------- the link window

  get linkWindow() {
    return this.#windowWith(/Payment link for/);
  }

  get qrCode() {
    return this.linkWindow.getByRole("img", { name: /QR/i }).first();
  }

  linkAddress() {
    return this.linkWindow.getByLabel("Link", { exact: true }).inputValue();
  }

  async sendViaSms() {
    await control(this.linkWindow, "Send via SMS").click();
  }

  async sendViaEmail() {
    await control(this.linkWindow, "Send via Email").click();
  }

  /** The window shows the status by itself: nothing is pressed, nothing is loaded again. */
  async seesLinkBecome(status, withinMs = LIVE_WITHIN_MS) {
    await this.linkWindow
      .locator(".st")
      .filter({ hasText: new RegExp(`^\\s*${status}\\s*$`) })
      .first()
      .waitFor({ timeout: withinMs });
  }

  /** A paid link offers no QR code and no sending any more, although nothing was loaded again. */
  async seesNothingLeftToSend() {
    await control(this.linkWindow, "Send via SMS").waitFor({ state: "hidden" });
    await this.qrCode.waitFor({ state: "hidden" });
  }

  async closeLinkWindow() {
    await control(this.linkWindow, /^Done$/).click();
    await this.page.getByRole("heading", { name: "Checkout" }).waitFor();
  }

  // ---------------------------------------------------------------- Online Payments

  async openOnlinePayments() {
    await this.goTo(/^Online Payments/);
    await this.page.getByRole("heading", { level: 1, name: "Online Payments" }).waitFor();
  }

  async searchOnlinePayments(words) {
    const search = this.page.getByRole("searchbox").first();
    await search.fill(words);
    await search.press("Enter");
    await this.#row(words).waitFor();
  }

  /** The row of a patient shows this status and amount. */
  async seesRow(patient, status, amount) {
    const row = this.#row(patient).filter({ hasText: amount });
    await row.locator(".st").filter({ hasText: status }).first().waitFor();
    for (const column of ["Created", "Expires"]) {
      const header = this.page.getByRole("columnheader", { name: column });
      assert.ok((await header.count()) > 0, `the list has the column ${column}`);
    }
  }

  #row(patient) {
    return this.page.getByRole("row").filter({ hasText: patient }).first();
  }

  /** A dialog, or the page it is when opened in a tab, by its heading. */
  #windowWith(heading) {
    return this.page
      .locator("dialog[open], main")
      .filter({ has: this.page.getByRole("heading", { name: heading }) })
      .last();
  }
}

/** Chooses the option whose text holds `words`: an option says more than its name (length, price). */
async function choose(select, words) {
  const option = select.locator("option").filter({ hasText: words }).first();
  await select.selectOption({ value: await option.evaluate((element) => element.value) });
}
