// Words: what a manager writes is what the patient gets, and every language's pages keep the rules: its own `lang` and
// `dir`, no axe violation, no sideways scroll, light, payable without a script.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";
import { axe, control, eventually, fitsEveryWidth, makeAppointment, makeClinicFixture, openClinic, shot } from "./harness.mjs";
import { Phone } from "./phone.mjs";

const PATIENT_PAGE_BYTES_MAX = 15 * 1024;

/** Locale, `lang`, `dir`, and how the button that pays begins. */
const LANGUAGES = [
  ["en-GB", "en-GB", "ltr", "Continue to pay"],
  ["cy", "cy", "ltr", "Ymlaen i dalu"],
  ["pl-PL", "pl", "ltr", "Przejdź do płatności"],
  ["fr-FR", "fr", "ltr", "Continuer pour payer"],
  ["de-DE", "de", "ltr", "Weiter: 120"],
  ["es-ES", "es", "ltr", "Continuar para pagar"],
  ["ar", "ar", "rtl", "المتابعة لدفع"],
];

let clinic, browser, demo;
before(async () => {
  clinic = await openClinic();
  ({ browser, demo } = clinic);
});
after(() => clinic?.close());

/** A fresh link of a patient who reads `locale`. */
async function linkFor(locale) {
  const fixture = await makeClinicFixture(demo.api);
  await demo.api.patch(`/patients/${fixture.patient.id}`, { locale });
  const appointment = await makeAppointment(demo.api, fixture);
  return demo.api.post(`/appointments/${appointment.id}/payment-links`, { purpose: "balance" });
}

/** What arrived in the tray with this link. */
async function arrived(link) {
  return eventually("the message arrives", async () => {
    const { data } = await (await fetch(`${demo.url}/demo/messages.json`)).json();
    return data.find((message) => message.links.includes(link.url));
  });
}

async function openTexts(desk) {
  await desk.goTo("Settings");
  await desk.goTo("Message texts");
}

test("a manager changes a text, sees what it will be, and the patient gets it", async () => {
  const desk = await Desk.signIn(browser, demo);
  await openTexts(desk);
  const { page } = desk;
  const text = page.getByLabel("Text", { exact: true });
  const preview = page.getByRole("region", { name: "Preview" });
  await text.fill("{clinic}: your botox for {amount}");
  await preview.getByText("Take out “botox”").waitFor(); // as it is typed
  await preview.getByText("Put {link}").waitFor();
  await control(page, "Save text").click();
  await page.locator("#body-error").waitFor();
  assert.equal(await text.getAttribute("aria-invalid"), "true");
  await text.fill("{clinic} asks for {amount}. Łódź {link} Ref {reference}");
  await preview.getByText("UCS-2, 67 a segment").waitFor();
  await preview.getByText("“Ł” is not in the phones").waitFor();
  assert.equal(await text.getAttribute("aria-invalid"), null, "what is being mended is not called wrong any more");
  await page.locator("#body-error.mended").waitFor();
  await shot(page, "texts-preview");
  await text.fill("{clinic} asks for {amount} {link} Ref {reference} {clinic_phone}");
  await preview.getByText("GSM-7, 160 a segment").waitFor();
  await control(page, "Save text").click();
  await page.getByText("Saved").waitFor();
  const link = await linkFor("en-GB");
  await demo.api.post(`/payment-links/${link.id}/deliveries`, { channel: "sms" });
  assert.match((await arrived(link)).text, /asks for £120\.00 http/);
  await control(page, "Back to the standard text").click();
  await page.getByText("Version 2").waitFor();
  await control(page, /^Use this one again\W+version 1$/).click();
  await page.getByText("Version 3").waitFor();
  await shot(page, "texts-versions");
  await fitsEveryWidth(page);
  await axe(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await shot(page, "texts-versions");
  await desk.close();
});

test("the texts can be previewed without a script", async () => {
  const desk = await Desk.signIn(browser, demo);
  const cookies = await desk.device.context.cookies();
  const plain = await Phone.pickUp(browser, demo, { javaScript: false });
  await plain.device.context.addCookies(cookies);
  await plain.page.goto("/settings/messages/texts?channel=email&language=ar&purpose=receipt");
  await plain.page.getByLabel("Text", { exact: true }).fill("{clinic} {clinic_phone}\n{expires}");
  await control(plain.page, "Preview").click();
  await plain.page.getByText("{expires} is not known in the text “Receipt”").waitFor();
  assert.equal(await plain.page.getByLabel("Text", { exact: true }).inputValue(), "{clinic} {clinic_phone}\n{expires}");
  await plain.page.goto("/settings/messages/texts?channel=email&language=ar&purpose=balance");
  await plain.picture("texts-email-ar");
  await plain.close();
  await desk.page.goto("/settings/messages/texts?channel=email&language=en&purpose=balance");
  await shot(desk.page, "texts-email");
  await axe(desk.page);
  await desk.close();
});

for (const [locale, lang, dir, button] of LANGUAGES) {
  test(`the patient's pages in ${locale}`, async () => {
    const link = await linkFor(locale);
    const phone = await Phone.pickUp(browser, demo);
    const finished = [];
    phone.device.context.on("requestfinished", (request) => finished.push(request));
    await phone.page.goto(link.url, { waitUntil: "networkidle" });
    const sizes = await Promise.all(finished.map((request) => request.sizes()));
    const bytes = sizes.reduce((sum, size) => sum + size.responseBodySize, 0);
    assert.ok(bytes <= PATIENT_PAGE_BYTES_MAX, `${bytes} bytes`);
    const html = phone.page.locator("html");
    assert.deepEqual([await html.getAttribute("lang"), await html.getAttribute("dir")], [lang, dir]);
    await control(phone.page, new RegExp(`^${button}`)).waitFor();
    await phone.page.getByRole("radio").nth(1).check();
    await shot(phone.page, `pay-${lang}`);
    await fitsEveryWidth(phone.page);
    await axe(phone.page);
    await phone.page.getByRole("radio").first().check();
    await control(phone.page, new RegExp(`^${button}`)).click();
    await phone.payByCard();
    await phone.page.waitForURL(link.url);
    await phone.page.locator(".disc.ok").waitFor();
    await shot(phone.page, `paid-${lang}`);
    await axe(phone.page);
    await phone.page.locator(".acts a").click();
    await phone.page.waitForURL(/receipt$/);
    await shot(phone.page, `receipt-${lang}`);
    await phone.close();

    const ended = await linkFor(locale);
    await demo.api.post(`/payment-links/${ended.id}/cancel`);
    const again = await Phone.pickUp(browser, demo, { javaScript: false });
    await again.openLink(ended.url);
    await again.page.getByRole("heading", { level: 1 }).waitFor();
    await again.picture(`cancelled-${lang}`);
    await again.close();
  });
}

test("another language is chosen without a script, and stays", async () => {
  const link = await linkFor("en-GB");
  const phone = await Phone.pickUp(browser, demo, { javaScript: false });
  await phone.openLink(link.url);
  await control(phone.page, "Polski").click();
  await control(phone.page, /^Przejdź do płatności/).click();
  await phone.payByCard();
  await phone.page.getByText("Dziękujemy").waitFor();
  assert.equal(await phone.page.locator("html").getAttribute("lang"), "pl");
  await phone.close();
});
