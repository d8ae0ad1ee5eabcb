// Remit, booking: the patient is searched for as one types (ARIA 1.2 combobox), what is due follows the fields, and
// nothing typed is lost with the session. Without this script the form has a search button and a list to choose from.

import { Suggestions } from "./suggest.js";

const LOST = "remit.booking.lost";
const formOf = (within) => within.querySelector?.("form[action='/appointments']");

/** The form as the server makes it of what is typed; writes nothing. */
async function preview(form) {
  const response = await fetch("/appointments/new", { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "Remit-Fragment": "dialog" }, credentials: "same-origin" });
  if (!response.ok || response.redirected) throw new Error("no preview");
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

// --- What is due, as the fields change -------------------------------------------------------------------------------
async function recompute(form) {
  form.dataset.asked = String(Number(form.dataset.asked ?? 0) + 1);
  const mine = form.dataset.asked;
  const page = await preview(form).catch(() => null);
  // Only the last question's answer counts.
  if (!page || form.dataset.asked !== mine || !form.isConnected) return;
  const due = page.querySelector("#due");
  const focused = form.querySelector("#due").contains(document.activeElement);
  if (due && !focused) form.querySelector("#due").replaceWith(document.adoptNode(due));
  const summary = page.querySelector("[data-summary]");
  const shown = form.closest("dialog")?.querySelector("[data-summary]");
  if (summary && shown) shown.textContent = summary.textContent;
}

// --- The patient -----------------------------------------------------------------------------------------------------
function initials(name) {
  const words = name.trim().split(/\s+/);
  return ([...words[0]][0] + (words.length > 1 ? [...words.at(-1)][0] : "")).toUpperCase();
}
function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

class PatientField {
  constructor(form) {
    this.form = form;
    this.box = form.querySelector("[data-patient]");
    this.input = this.box.querySelector("[name=q]");
    this.results = this.box.querySelector("#patient-results");
    this.list = element("ul", "options");
    this.list.id = "patient-options";
    this.list.setAttribute("aria-label", "Patients");
    this.list.hidden = true;
    this.input.closest(".searchrow").after(this.list);
    this.input.type = "text";
    Suggestions.on(this.input, this.list, { find: (words) => this.search(words), take: (option) => this.choose(option) }).then((made) => (this.suggestions = made));
    this.input.addEventListener("focus", () => this.list.hidden && this.input.value.trim() && this.suggestions?.later());
    // A press on an option must not take the focus, which would close the list before the click arrives.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.input.addEventListener("keydown", (event) => event.key === "Escape" && !this.list.hidden && (event.preventDefault(), event.stopPropagation(), this.close()));
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    const chosen = this.box.querySelector("[name=patient_id]:checked");
    if (chosen?.value) this.show(chosen.closest(".result"));
    else this.state(chosen && this.box.querySelector("[name=patient_name]").value ? "new" : "search");
    const back = element("button", "btn quiet sm back", "Search instead");
    back.type = "button";
    back.addEventListener("click", () => this.change());
    this.box.querySelector(".newpatient .grid2").append(back);
  }
  state(name) {
    this.box.dataset.state = name;
  }
  close() {
    this.list.hidden = true;
    this.suggestions?.close();
  }
  async search(words) {
    if (!words) return [];
    const page = await preview(this.form);
    if (this.box.dataset.state !== "search") return null;
    const options = [...page.querySelectorAll("#patient-results .result")].map((result) => {
      const option = element("li", "option");
      option.append(element("b", "", result.querySelector("b").textContent), element("small", "", result.querySelector("small").textContent));
      option.result = result;
      return option;
    });
    const all = [...options, element("li", "option add", `Add “${words}” as a new patient`)];
    all.forEach((option) => option.setAttribute("role", "option"));
    return all;
  }
  choose(option) {
    const { result } = option;
    this.close();
    if (result) {
      this.results.replaceChildren(document.adoptNode(result));
      result.querySelector("input").checked = true;
      this.show(result);
      this.form.querySelector("#service").focus();
      return;
    }
    const words = this.input.value.trim();
    const into = words.includes("@") ? "patient_email" : /^[+\d][\d ()-]+$/.test(words) ? "patient_phone" : "patient_name";
    this.box.querySelector("#new-patient").checked = true;
    this.box.querySelector(`[name=${into}]`).value = words;
    this.input.value = "";
    this.state("new");
    [...this.box.querySelectorAll(".newpatient .input")].find((field) => !field.value)?.focus();
  }
  show(result) {
    this.box.querySelector(".chosen")?.remove();
    const name = result.querySelector("b").textContent;
    const chosen = element("div", "chosen");
    const avatar = element("span", "av b", initials(name));
    avatar.setAttribute("aria-hidden", "true");
    const words = element("div");
    words.append(element("b", "", name), element("small", "muted trunc block", result.querySelector("small").textContent));
    const change = element("button", "btn quiet sm", "Change");
    change.type = "button";
    change.addEventListener("click", () => this.change());
    chosen.append(avatar, words, change);
    this.results.before(chosen);
    this.state("chosen");
  }
  change() {
    this.box.querySelectorAll("[name=patient_id]").forEach((radio) => (radio.checked = false));
    this.box.querySelector(".chosen")?.remove();
    this.results.replaceChildren();
    this.input.value = "";
    this.state("search");
    this.input.focus();
  }
}

// --- What was typed outlives the session -----------------------------------------------------------------------------
document.addEventListener("remit:signed-out", () => {
  const form = formOf(document);
  if (!form) return;
  const kept = [...new FormData(form)].filter(([name]) => name !== "csrf");
  sessionStorage.setItem(LOST, JSON.stringify(kept));
});
async function comeBack() {
  const kept = JSON.parse(sessionStorage.getItem(LOST) ?? "null");
  if (!kept) return;
  sessionStorage.removeItem(LOST);
  const fields = new Map(kept);
  const asked = new URLSearchParams({ date: fields.get("date") ?? "", start: fields.get("start") ?? "", patient: fields.get("patient_id") ?? "" });
  const link = document.createElement("a");
  link.href = `/appointments/new?${asked}`;
  link.dataset.dialog = "";
  link.dataset.refill = "";
  document.addEventListener("remit:opened", (event) => refill(event.target, fields), { once: true });
  document.body.append(link);
  link.click();
  link.remove();
}
function refill(within, fields) {
  const form = formOf(within);
  if (!form) return;
  for (const [name, value] of fields) {
    for (const field of form.querySelectorAll(`[name=${CSS.escape(name)}]`)) {
      if (field.type === "radio") field.checked = field.value === value;
      // The key comes back too: had the first press gone through, the second does not book again.
      else if (field.tagName !== "BUTTON") field.value = value;
    }
  }
  recompute(form);
  document.dispatchEvent(new CustomEvent("remit:toast", { detail: { text: "You were signed out. The booking is as you left it." } }));
}

// --- Its life --------------------------------------------------------------------------------------------------------
function begin(within) {
  const form = formOf(within);
  if (!form || form.dataset.begun) return;
  form.dataset.begun = "1";
  new PatientField(form);
}
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[action='/appointments']");
  if (form && event.target.matches("select, [type=date], [type=time]")) recompute(form);
});
document.addEventListener("remit:opened", (event) => begin(event.target));
begin(document);
comeBack();
