// Remit, staff pages. Everything here also works without it: windows are pages, menus are popovers, forms post.
// Loaded as a module, so its names are its own.
import "./device.js";

// --- Windows: <a data-dialog> and <form data-window> ---------------------------------------------------------------
const asWindow = { headers: { "Remit-Fragment": "dialog" }, credentials: "same-origin" };
let opener = null;

const parse = async (response) => new DOMParser().parseFromString(await response.text(), "text/html");

/** Shows the answer: a <dialog> over the page, the page it was redirected to, or this page again with its errors. */
async function show(response) {
  const answer = await parse(response);
  const dialog = answer.querySelector("dialog");
  if (dialog) return open(document.adoptNode(dialog));
  const main = answer.querySelector("#main");
  if (response.status === 401) return signIn();
  if (response.redirected || !main) return location.assign(response.url);
  document.querySelector("dialog[open]")?.remove();
  document.querySelector("#main").replaceWith(document.adoptNode(main));
  started(document);
  firstError(document);
}

/** The session has ended: who signs in comes back to this page, and what was typed is kept by those who listen. */
function signIn() {
  document.dispatchEvent(new Event("remit:signed-out"));
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}
// An answer that another script has fetched.
document.addEventListener("remit:show", (event) => show(event.detail).catch(() => {}));

function open(dialog) {
  document.querySelectorAll("dialog").forEach((old) => old.remove());
  document.body.append(dialog);
  dialog.addEventListener("close", async () => {
    const read = dialog.querySelector("form[data-read]");
    dialog.remove();
    opener?.isConnected && opener.focus();
    // What was new stays marked while it is looked at.
    if (read) await fetch(read.action, { method: "POST", body: new URLSearchParams(new FormData(read)), credentials: "same-origin" }).catch(() => {});
    document.dispatchEvent(new Event("remit:refresh"));
  });
  started(dialog);
  dialog.showModal();
  firstError(dialog);
}

function firstError(within) {
  within.querySelector("[aria-invalid=true]")?.focus();
}

async function follow(link) {
  // A key or another window may press a link that nobody sees: the focus goes back to where it was.
  opener = link.checkVisibility() ? link : document.activeElement;
  try {
    await show(await fetch(link.href, asWindow));
  } catch {
    location.assign(link.href);
  }
}

async function send(form, button) {
  const body = new URLSearchParams(new FormData(form, button));
  const action = button?.formAction && button.hasAttribute("formaction") ? button.formAction : form.action;
  try {
    await show(await fetch(action, { ...asWindow, method: "POST", body }));
    // Who has just booked goes on to the appointment; who only looked at a link comes back to where they were.
    const booked = new URL(action).pathname === "/appointments";
    document.querySelector("dialog[open]")?.toggleAttribute("data-booked", booked);
  } catch {
    toast("The server did not answer. Nothing is lost: try again, it cannot happen twice.", true);
  } finally {
    free(form);
  }
}

// --- Forms that move money or send something: one click, one request ------------------------------------------------
function hold(form) {
  if (form.dataset.sent) return false;
  form.dataset.sent = "1";
  form.setAttribute("aria-busy", "true");
  return true;
}
function free(form) {
  delete form.dataset.sent;
  form.removeAttribute("aria-busy");
}

// Enter in a field presses the form's main button, never a smaller one that stands before it.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || event.defaultPrevented || !event.target.matches?.("input:not([type=search], [role=combobox])")) return;
  const main = event.target.form?.querySelector(".bookacts .primary");
  if (!main) return;
  event.preventDefault();
  main.click();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  const rerun = button?.hasAttribute("formaction");
  if (form.hasAttribute("data-once") && !rerun && !hold(form)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if (form.hasAttribute("data-window") || (rerun && form.closest("dialog"))) {
    event.preventDefault();
    send(form, button);
  }
}, true);
// Between two contents the library copies `style` attributes by id, which the page's policy takes for inline styles.
// None of ours are there; what a browser's tool has set on a field (empty or not) stays behind.
document.addEventListener("htmx:before:swap", () => {
  document.querySelectorAll("[id][style]").forEach((element) => element.removeAttribute("style"));
});
document.addEventListener("htmx:finally:request", (event) => event.target.closest?.("form") && free(event.target.closest("form")));
window.addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach(free));

// --- Clicks ---------------------------------------------------------------------------------------------------------
document.addEventListener("click", (event) => {
  const target = event.target.closest("a, button");
  if (!target || event.defaultPrevented) return;
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.button);
  if (target.matches("[data-close]") && target.closest("dialog")) {
    if (target.matches("[data-done]") && target.closest("dialog[data-booked]")) return;
    event.preventDefault();
    target.closest("dialog").close();
  } else if (target.matches("a[data-dialog]") && plain) {
    event.preventDefault();
    target.closest("[popover]")?.hidePopover();
    follow(target);
  } else if (target.dataset.copy) {
    copy(target, document.querySelector(target.dataset.copy).value);
  } else if (target.dataset.copyText) {
    copy(target, target.dataset.copyText);
  } else if (target.matches("[data-print]")) {
    window.print();
  } else if (target.matches("[data-close-toast]")) {
    target.closest(".toast").remove();
  }
});

async function copy(button, text) {
  const label = button.querySelector("span") ?? button;
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    document.querySelector(button.dataset.copy)?.select();
    return toast("Press Ctrl C to copy the link.", true);
  }
  label.textContent = "Copied";
  setTimeout(() => (label.textContent = before), 2000);
  if (!button.dataset.copied) return;
  const body = new URLSearchParams({ csrf: button.dataset.csrf, channel: "copy" });
  fetch(button.dataset.copied, { method: "POST", body, credentials: "same-origin" }).catch(() => {});
}

// --- Messages -------------------------------------------------------------------------------------------------------
document.addEventListener("remit:toast", (event) => toast(event.detail.text, false, event.detail.href));
function toast(text, isError, href) {
  const region = document.querySelector("#toasts");
  if (!region) return;
  const line = document.createElement("p");
  line.className = isError ? "toast bad" : "toast";
  const words = document.createElement(href ? "a" : "span");
  words.textContent = text;
  if (href) words.href = href;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn quiet sm";
  close.dataset.closeToast = "";
  close.textContent = "Close";
  line.append(words, close);
  region.append(line);
  fade(line);
}
function fade(line) {
  if (!line.classList.contains("bad")) setTimeout(() => line.remove(), 6000);
}

// --- Checkout: what the button will do ------------------------------------------------------------------------------
/** Minor units of a typed amount, or null. Integer arithmetic only. */
function minor(text, exponent) {
  const match = /^(\d{1,9})(?:\.(\d*))?$/.exec(text.trim().replaceAll(",", ""));
  if (!match || (match[2] ?? "").length > exponent) return null;
  return Number(match[1] + (match[2] ?? "").padEnd(exponent, "0"));
}
function words(form, amount) {
  const exponent = Number(form.dataset.exponent);
  const digits = String(amount).padStart(exponent + 1, "0");
  const whole = digits.slice(0, digits.length - exponent).replace(/\B(?=(\d{3})+$)/g, ",");
  return form.dataset.sign + whole + (exponent ? "." + digits.slice(-exponent) : "");
}
const plain = (form, amount) => words(form, amount).slice(form.dataset.sign.length).replaceAll(",", "");

function tiles(form) {
  return [...form.querySelectorAll(".tile")].map((tile) => {
    const tick = tile.querySelector("[type=checkbox]");
    const field = tile.querySelector(".input");
    return { tick, field, on: tick.checked, amount: minor(field.value, Number(form.dataset.exponent)) };
  });
}
function recompute(form) {
  const on = tiles(form).filter((tile) => tile.on);
  const wrong = on.some((tile) => !tile.amount);
  const sum = on.reduce((total, tile) => total + (tile.amount ?? 0), 0);
  const left = Number(form.dataset.balance) - sum;
  const desk = on.filter((tile) => tile.tick.name !== "link").map((tile) => `${words(form, tile.amount ?? 0)} ${tile.tick.dataset.phrase}`);
  const link = on.find((tile) => tile.tick.name === "link");
  const parts = [];
  if (desk.length) parts.push("Take " + desk.join(", ").replace(/, ([^,]*)$/, " and $1"));
  if (link) parts.push((desk.length ? "create link for " : "Create link for ") + words(form, link.amount ?? 0));
  const label = form.querySelector("[data-label]");
  label.textContent = parts.join(" and ") || "Choose how to take payment";
  label.disabled = wrong || !on.length || left < 0;
  form.querySelector("[data-covers]").hidden = left !== 0;
  form.querySelector("[data-left]").textContent = left < 0 ? words(form, -left) + " too much" : words(form, left);
}
/** A tile just ticked takes what the others leave. */
function fill(form, tick) {
  const all = tiles(form);
  const mine = all.find((tile) => tile.tick === tick);
  if (!tick.checked) return;
  const others = all.filter((tile) => tile.on && tile !== mine).reduce((total, tile) => total + (tile.amount ?? 0), 0);
  const left = Math.max(0, Number(form.dataset.balance) - others);
  mine.field.value = left ? plain(form, left) : "";
  mine.field.focus();
  mine.field.select();
}
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-checkout]");
  if (!form) return;
  if (event.target.type === "checkbox" && event.target.closest(".tile")) fill(form, event.target);
  recompute(form);
});

// --- Booking: typing a new patient chooses "New patient" -------------------------------------------------------------
document.addEventListener("input", (event) => {
  if (event.target.closest(".newpatient .grid2")) event.target.closest("form").querySelector("#new-patient").checked = true;
});
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-autosubmit]");
  if (form && event.target.matches("input[type=date], select")) form.requestSubmit();
});

/** A number or an address is only worth remembering where it is another than the one that stood there. */
function offerToRemember(form) {
  const [field, label] = [form.querySelector("[name=to]"), form.querySelector(".remember")];
  if (label) label.hidden = field.value.trim() === field.defaultValue && !label.control.checked;
}
const offersToRemember = (within) => within.querySelectorAll("form:has(.remember)").forEach(offerToRemember);
document.addEventListener("input", ({ target }) => target.form && offerToRemember(target.form));
document.addEventListener("htmx:after:swap", () => offersToRemember(document));

// What was refused is being mended: its message can still be read, and keeps its place, so that nothing moves under a hand.
document.addEventListener("input", ({ target }) => {
  if (target.getAttribute("aria-invalid") !== "true") return;
  target.removeAttribute("aria-invalid");
  for (const id of (target.getAttribute("aria-describedby") ?? "").split(" ")) document.getElementById(id)?.classList.add("mended");
});

// --- Countdown ------------------------------------------------------------------------------------------------------
function left(until) {
  const seconds = Math.max(0, Math.floor((Date.parse(until) - Date.now()) / 1000));
  const [h, m] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (seconds < 600) return `${m} min ${String(seconds % 60).padStart(2, "0")} s`;
  return h ? `${h} h ${String(m).padStart(2, "0")} min` : `${m} min`;
}
function repaint() {
  let soon = false;
  document.querySelectorAll("[data-countdown]").forEach((time) => {
    const text = left(time.dateTime);
    if (time.textContent !== text) time.textContent = text;
    soon ||= text.endsWith(" s");
  });
  document.querySelectorAll("[data-countdown-bar]").forEach((bar) => {
    bar.value = Math.max(0, (Date.parse(bar.dataset.countdownBar) - Date.now()) / 60000);
  });
  setTimeout(repaint, soon ? 1000 : 20000);
}

/** Most pages have no use for the library: it comes with the first piece of page that has, and looks at all there is. */
let library = null;
function wire(within) {
  if (!within.querySelector("[hx-get], [hx-post]")) return;
  if (library) return void window.htmx?.process(within === document ? document.body : within);
  library = document.createElement("script");
  library.src = "./htmx.min.js";
  document.head.append(library);
}

/** What a piece of page needs when it has just come. */
function started(within) {
  wire(within);
  within.dispatchEvent(new Event("remit:opened", { bubbles: true }));
  within.querySelectorAll("form[data-checkout]").forEach(recompute);
  offersToRemember(within);
  within.querySelectorAll("[popover][data-open]").forEach((sheet) => sheet.showPopover());
}

/** On a phone some lists of links are wider than the screen: the one that is open stands in sight. */
function inSight(here) {
  const list = here.parentElement;
  const off = here.getBoundingClientRect().left - list.getBoundingClientRect().left;
  if (list.scrollWidth > list.clientWidth) list.scrollLeft += off - (list.clientWidth - here.offsetWidth) / 2;
}

repaint();
started(document);
document.querySelectorAll("#main a[aria-current]").forEach(inSight);
document.querySelectorAll(".toast").forEach(fade);

/** Find or do leads to a page's menu, or to its paper. */
function arrived() {
  const menu = document.querySelector(":target[popover]");
  menu?.showPopover({ source: document.querySelector(`[popovertarget="${menu.id}"]`) });
  if (location.hash !== "#print") return;
  history.replaceState(history.state, "", location.pathname + location.search);
  window.print();
}
addEventListener("hashchange", arrived);
if (document.readyState === "complete") arrived();
else addEventListener("load", arrived);
