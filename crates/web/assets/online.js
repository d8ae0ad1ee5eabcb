// Remit, Online Payments and Follow up: rows that stay where they are, many rows at once, keys, and exports. Without
// it the list is a list, ticks and buttons post, and an export is a file that the browser loads.

import { onKey } from "./keys.js";

const rows = () => [...document.querySelectorAll("#rows tr[data-row]")];

// --- New rows are announced, not inserted under somebody's pointer ----------------------------------------------------
document.addEventListener("remit:swap", (event) => {
  const { old, fresh } = event.detail;
  if (old.id !== "fresh") return;
  event.preventDefault();
  if (!("fresh" in old.dataset)) return;
  const known = new Set(rows().map((row) => row.id));
  const now = [...fresh.ownerDocument.querySelectorAll("#rows tr[data-row]")];
  const ordered = document.querySelector("#sort");
  // In a list that is newest first only what stands above the first known row has come; in others anything unknown.
  const end = now.findIndex((row) => known.has(row.id));
  const come = ordered || end < 0 ? now.filter((row) => !known.has(row.id)) : now.slice(0, end);
  if (!come.length) return void old.replaceChildren();
  const words = come.length === 1 ? "1 new link, show" : `${come.length} new links, show`;
  if (old.textContent === words) return;
  const show = document.createElement("a");
  show.className = "btn sm";
  show.href = old.dataset.fresh;
  show.textContent = words;
  old.replaceChildren(show);
});

// --- Many rows at once ------------------------------------------------------------------------------------------------
const bar = () => document.querySelector("#selection");
const ticks = () => [...document.querySelectorAll("#rows input[name=link]")];

function recount() {
  const form = bar();
  if (!form) return;
  const all = ticks();
  const on = all.filter((tick) => tick.checked);
  form.classList.toggle("none", !on.length);
  form.querySelector("[data-selected]").textContent = on.length === 1 ? "1 link selected" : `${on.length} links selected`;
  const head = document.querySelector("[data-select-all]");
  if (!head) return;
  head.hidden = !all.length;
  head.checked = on.length > 0 && on.length === all.length;
  head.indeterminate = on.length > 0 && on.length < all.length;
}
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-select-all]")) ticks().forEach((tick) => (tick.checked = event.target.checked));
  if (event.target.matches("[data-select-all], #rows input[name=link]")) recount();
});
// A key is good for one press. What it did stands in the window; the next press gets the key that came with it.
new MutationObserver(() => {
  const told = document.querySelector("dialog [data-next-key]");
  if (!told || told.dataset.used) return;
  told.dataset.used = "1";
  document.querySelectorAll("form[action$='/selection'] input[name=idempotency_key]").forEach((key) => (key.value = told.dataset.nextKey));
  ticks().forEach((tick) => (tick.checked = false));
  recount();
}).observe(document.body, { childList: true });

// --- Keys: J and K go down and up, Enter opens (the row's own link), X selects ----------------------------------------
const at = () => rows().findIndex((row) => row.contains(document.activeElement));
function walk(to) {
  const next = rows()[to];
  if (!next) return false;
  next.querySelector("a.who").focus();
  next.scrollIntoView({ block: "nearest" });
}
onKey("j", () => walk(at() + 1));
onKey("k", () => walk(Math.max(0, at() - 1)));
onKey("x", () => {
  const tick = rows()[at()]?.querySelector("input[name=link]");
  if (!tick) return false;
  tick.checked = !tick.checked;
  recount();
});

recount();

// --- Exports: how far it is, and the file when it is whole ------------------------------------------------------------
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-export]")) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  form.hidePopover?.();
  download(form.action, body);
});

function progressWindow(stop) {
  const template = document.querySelector("#export-progress");
  const dialog = template.content.firstElementChild.cloneNode(true);
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    stop();
    dialog.remove();
    document.querySelector("[data-export-open]")?.focus();
  });
  dialog.showModal();
  return dialog;
}

async function download(action, body) {
  const gone = new AbortController();
  const dialog = progressWindow(() => gone.abort());
  const [words, bar] = [dialog.querySelector("[data-words]"), dialog.querySelector("progress")];
  try {
    const response = await fetch(action, { method: "POST", body, credentials: "same-origin", signal: gone.signal });
    const type = response.headers.get("content-type") ?? "";
    if (!response.ok || type.startsWith("text/html")) throw new Error(`answer ${response.status}`);
    const file = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? "payment-links.csv";
    const total = Number(response.headers.get("remit-rows") ?? 0);
    const parts = [];
    let links = -1; // The first line names the columns.
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      if (!type.startsWith("text/csv")) continue;
      for (const byte of value) if (byte === 10) links += 1;
      if (total) bar.value = Math.min(1, Math.max(0, links) / total);
      words.textContent = total ? `${Math.max(0, links).toLocaleString("en-GB")} of ${total.toLocaleString("en-GB")} links` : `${Math.max(0, links).toLocaleString("en-GB")} links so far`;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(parts, { type }));
    link.download = file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    bar.value = 1;
    words.textContent = `${file} is ready.`;
    dialog.querySelector("[data-close]").textContent = "Done";
  } catch (error) {
    if (gone.signal.aborted) return;
    bar.hidden = true;
    words.textContent = "The export broke off, and no file was kept. Try again; fewer days are quicker.";
  }
}
