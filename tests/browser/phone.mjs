// The patient's verbs. Every selector of the patient pages, the message tray and the sandbox's pages stands here.

import assert from "node:assert/strict";
import { control, openDevice, shot } from "./harness.mjs";

/** Card numbers of the sandbox (design.md, section 6). */
export const CARDS = {
  succeeds: "4242 4242 4242 4242",
  declined: "4000 0000 0000 0002",
  asksForConfirmation: "4000 0025 0000 3155",
  insufficientFunds: "4000 0000 0000 9995",
  disputed: "4000 0000 0000 0259",
};

const METHODS = { card: /card/i, klarna: /Klarna/, clearpay: /Clearpay/ };

export class Phone {
  /** A patient's phone; `javaScript: false` as some people have it. */
  static async pickUp(browser, demo, options = {}) {
    return new Phone(await openDevice(browser, demo, "phone", options));
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

  // ---------------------------------------------------------------- messages

  /** Opens the message tray and taps the link in the newest message that has it. */
  async tapLinkInMessage(url) {
    await this.page.goto("/demo/messages");
    const link = this.page.locator(`a[href="${url}"]`).first();
    await link.waitFor();
    // A link that opens in a new tab would leave the test's page behind; a phone does not care.
    await link.evaluate((element) => element.removeAttribute("target"));
    await link.click();
    await this.page.waitForURL(url);
  }

  async openLink(url) {
    return this.page.goto(url);
  }

  // ---------------------------------------------------------------- the checkout page

  async seesAmount(amount) {
    await this.page.getByText(amount, { exact: true }).first().waitFor();
  }

  async seesMethods(names) {
    for (const name of names) await this.page.getByRole("radio", { name: METHODS[name] }).waitFor();
  }

  async continueWith(method) {
    await this.page.getByRole("radio", { name: METHODS[method] }).check();
    await control(this.page, /^Continue to pay/).click();
  }

  /** The page offers no way of paying. */
  async cannotPay() {
    await this.page.getByRole("heading", { level: 1 }).waitFor();
    assert.equal(await this.page.locator("[name=method]").count(), 0, "the page still offers methods");
  }

  async askForNewLink() {
    await control(this.page, "Ask the clinic for a new link").click();
  }

  async sees(heading) {
    await this.page.getByRole("heading", { level: 1, name: heading }).waitFor();
  }

  async seesPaid(amount) {
    await this.sees(/paid/i);
    await this.page.getByText(amount).first().waitFor();
  }

  async openReceipt() {
    await control(this.page, "View receipt").click();
    await this.sees(/receipt/i);
  }

  // ---------------------------------------------------------------- the provider's pages

  async payByCard(number = CARDS.succeeds) {
    await this.page.getByLabel("Card number").fill(number);
    await this.page.getByLabel(/^Expiry/).fill("12 / 34");
    await this.page.getByLabel(/^(CVC|Security code)/).fill("123");
    await control(this.page, /^Pay\b/).click();
  }

  /** On the bank's or lender's page: Approve, Refuse, Approve later, Abandon. */
  async decide(button) {
    await control(this.page, button).click();
  }
}
