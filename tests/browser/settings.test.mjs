// Settings: clinic, staff and roles, API keys, and one's own account, as an owner uses them at a desk and on a phone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import zlib from "node:zlib";
import { Desk } from "./desk.mjs";
import { axe, control, eventually, fitsEveryWidth, looks, makeAppointment, makeClinicFixture, openClinic, openDevice, shot } from "./harness.mjs";
import { Phone } from "./phone.mjs";

const PATIENT_PAGE_BYTES_MAX = 15 * 1024;
const LONG = `Dr ${"Wolfeschlegelsteinhausenbergerdorff ".repeat(5)}`.slice(0, 199).trim();

let clinic, browser, demo;
before(async () => {
  clinic = await openClinic();
  ({ browser, demo } = clinic);
});
after(() => clinic?.close());

async function open(desk, name) {
  await desk.goTo("Settings");
  await desk.goTo(name);
}

test("an owner adds somebody, who sets a password by the link and signs in", async () => {
  const desk = await Desk.signIn(browser, demo);
  const { page } = desk;
  await open(desk, "Staff and roles");
  await looks(page, "staff");
  await control(page, "Add somebody").click();
  await control(page, "Add and show the link").click();
  const name = page.getByLabel("Full name");
  await page.locator("#name-error, #email-error").first().waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-invalid")), "true");
  await name.fill(LONG);
  await page.getByLabel("Email, to sign in with").fill("joanne.bright@larkhill.example");
  await page.getByRole("radio", { name: /Viewer/ }).check();
  await control(page, "Add and show the link").click();
  await page.getByText("Somebody signs in with this address already.").waitFor();
  assert.equal(await name.inputValue(), LONG);
  await looks(page, "staff-new-refused");
  await page.getByLabel("Email, to sign in with").fill("new.person@larkhill.example");
  await control(page, "Add and show the link").click();
  const link = await page.getByLabel("Hand this over yourself, by a way you trust").inputValue();
  await looks(page, "staff-link");

  const phone = await openDevice(browser, demo, "phone");
  await phone.page.goto(link);
  await phone.page.getByLabel("New password").fill("kettle ribbon harbour");
  await phone.page.getByLabel("The same again").fill("kettle ribbon harbor");
  await control(phone.page, "Set password and sign in").click();
  await phone.page.getByText("The two passwords differ").waitFor();
  await shot(phone.page, "set-password");
  await axe(phone.page);
  await fitsEveryWidth(phone.page);
  await phone.page.getByLabel("New password").fill("kettle ribbon harbour");
  await phone.page.getByLabel("The same again").fill("kettle ribbon harbour");
  await control(phone.page, "Set password and sign in").click();
  await phone.page.getByRole("heading", { level: 1 }).waitFor();
  await phone.page.goto(link);
  await phone.page.getByText("This link does not work any more").waitFor();

  await control(page, "Done").click();
  await page.getByRole("link", { name: LONG, exact: true }).waitFor();
  await looks(page, "staff-long-name");
  await page.getByRole("link", { name: LONG, exact: true }).click();
  await page.getByText("Signed in now: 1 session").waitFor();
  await looks(page, "staff-person");
  await control(page, "Deactivate").click();
  await page.getByText("Let them sign in again").waitFor();
  await phone.page.goto("/diary");
  await phone.page.getByRole("heading", { name: "Sign in" }).waitFor();
  await phone.close();
  await desk.close();
});

test("a person changes their own account, and ends another session", async () => {
  const other = await Desk.signIn(browser, demo, "phone");
  const desk = await Desk.signIn(browser, demo);
  const { page } = desk;
  await page.getByRole("button", { name: "Account menu" }).click();
  await page.getByRole("link", { name: "My account" }).filter({ visible: true }).click();
  await page.getByRole("heading", { name: "My account" }).waitFor();
  await page.getByText("This one").waitFor();
  await page.getByLabel("Present password").fill("not this one");
  await page.getByLabel("New password").fill("a good long one");
  await page.getByLabel("The same again").fill("a good long one");
  await control(page, "Change password").click();
  await page.getByText("This is not your present password.").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "old");
  await looks(page, "account");
  await page.locator("main").getByRole("button", { name: "Dark" }).click();
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  await page.locator("main").getByRole("button", { name: "System" }).click();
  await control(page, "Sign out everywhere else").click();
  await page.getByText("Signed out").waitFor();
  await other.page.goto("/diary");
  await other.page.getByRole("heading", { name: "Sign in" }).waitFor();
  await other.close();
  await desk.close();
});

test("a key is made, copied, used and revoked", async () => {
  const desk = await Desk.signIn(browser, demo);
  const { page } = desk;
  await desk.device.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(desk, "API keys");
  await page.getByLabel("Name").fill("Practice system");
  await page.getByRole("radio", { name: /Viewer/ }).check();
  await control(page, "Make the key").click();
  const secret = await page.getByLabel("Secret").inputValue();
  await control(page, "Copy").click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  await looks(page, "keys-made");
  const call = () => fetch(`${demo.url}/api/v1/patients`, { headers: { authorization: `Bearer ${secret}` } });
  const answer = await call();
  assert.equal(answer.status, 200);
  const { data } = await answer.json();
  assert.match(data.find((patient) => patient.phone).phone, /••/, "a viewer's key reads masked numbers");
  await open(desk, "API keys");
  assert.equal(await page.getByText(secret).count(), 0);
  const row = page.getByRole("row").filter({ hasText: "Practice system" });
  await row.getByRole("cell", { name: /Today/ }).nth(1).waitFor();
  await row.getByRole("button", { name: /Revoke/ }).click();
  await page.getByText("A revoked key does not come back.").filter({ visible: true }).waitFor();
  await shot(page, "keys-revoke");
  await axe(page);
  await page.getByRole("button", { name: "Revoke it" }).filter({ visible: true }).click();
  await page.getByText(/Revoked by/).waitFor();
  assert.equal((await call()).status, 401);
  await looks(page, "keys");
  await desk.close();
});

test("on a phone the settings page that is open stands in sight in the list of them", async () => {
  const desk = await Desk.signIn(browser, demo, "phone");
  await desk.page.goto("/settings/audit");
  const box = await desk.page.locator(".setnav [aria-current]").boundingBox();
  assert.ok(box.x >= 0 && box.x + box.width <= 390, `from ${box.x}, ${box.width} wide`);
  await desk.close();
});

test("the clinic's colour and logo reach the patient, light and readable", async () => {
  const desk = await Desk.signIn(browser, demo);
  const { page } = desk;
  await open(desk, "Clinic");
  await page.getByLabel("Accent colour").fill("#f2a900");
  await page.getByText(/It is saved darker, as #/).waitFor();
  await looks(page, "clinic-preview");
  await page.getByLabel("Website").fill("http://larkhill.example");
  await control(page, "Save changes").click();
  await page.getByText(/secure pages only/).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "website");
  await page.getByLabel("Website").fill("larkhill.example");
  await page.getByLabel("Time zone").fill("Atlantis/Poseidonis");
  await control(page, "Save changes").click();
  await page.getByText("Choose a time zone from the list").waitFor();
  await page.getByLabel("Time zone").fill("Europe/London");
  await page.getByLabel("Accent colour").fill("#f2a900");
  await control(page, "Save changes").click();
  await page.getByText("Saved", { exact: true }).waitFor();

  await page.getByLabel("Picture").setInputFiles({ name: "x.svg", mimeType: "image/png", buffer: Buffer.from("<svg/>") });
  await control(page, "Upload").click();
  await page.getByText("Use a PNG or a JPEG picture.").waitFor();
  await page.getByLabel("Picture").setInputFiles({ name: "logo.png", mimeType: "image/png", buffer: picture(240, 80) });
  await control(page, "Upload").click();
  await page.getByText("Logo saved").waitFor();
  await page.locator(".side img.logo").waitFor();
  await looks(page, "clinic-logo");

  const fixture = await makeClinicFixture(demo.api);
  const appointment = await makeAppointment(demo.api, fixture);
  const link = await demo.api.post(`/appointments/${appointment.id}/payment-links`, { purpose: "balance" });
  const phone = await Phone.pickUp(browser, demo);
  const finished = [];
  phone.device.context.on("requestfinished", (request) => finished.push(request));
  await phone.page.goto(link.url, { waitUntil: "networkidle" });
  const without = finished.filter((request) => request.resourceType() !== "image");
  const sizes = await Promise.all(without.map((request) => request.sizes()));
  const bytes = sizes.reduce((sum, size) => sum + size.responseBodySize, 0);
  assert.ok(bytes <= PATIENT_PAGE_BYTES_MAX, `${bytes} bytes without the logo`);
  const logo = phone.page.locator("img.logo");
  assert.deepEqual(await logo.evaluate((image) => [image.naturalWidth, image.naturalHeight]), [240, 80]);
  const button = phone.page.locator("button.pay");
  const colour = await button.evaluate((element) => getComputedStyle(element).backgroundColor);
  assert.notEqual(colour, "rgb(11, 100, 100)", "the accent is used");
  const privacy = phone.page.getByRole("link", { name: "Privacy" });
  assert.equal(await privacy.getAttribute("href"), "https://larkhill.example/privacy");
  await phone.picture("pay-branded");
  await axe(phone.page);
  await fitsEveryWidth(phone.page);
  const sheet = await phone.page.locator("link[rel=stylesheet]").nth(1).getAttribute("href");
  const answer = await fetch(demo.url + sheet);
  assert.match(answer.headers.get("cache-control"), /immutable/);
  assert.equal((await fetch(demo.url + sheet.replace(/-[0-9a-f]{12}/, "-000000000000"))).status, 404);
  await phone.close();

  await control(page, "Remove the logo").click();
  await page.getByText("Logo removed").waitFor();
  await eventually("the initials are back", async () => (await page.locator("img.logo, .logoplate").count()) === 0);
  await desk.close();
});

test("what a role may not is not shown to it", async () => {
  const desk = await Desk.signIn(browser, demo);
  await open(desk, "Services and deposits");
  await looks(desk.page, "services");
  await desk.goTo("Payment methods");
  await looks(desk.page, "methods");
  await desk.close();
});

/** A PNG of one colour. */
function picture(width, height) {
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, 0x8a)]);
  const pixels = zlib.deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const chunk = (kind, data) => {
    const body = Buffer.concat([Buffer.from(kind), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(zlib.crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))]);
}
