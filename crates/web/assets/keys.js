// Remit, keyboard shortcuts of one character (the list is at /shortcuts). Silent while somebody types, while a window or
// a menu is open, and where they were switched off (WCAG 2.2, 2.1.4).
import { keysAreOff } from "./device.js";

/** How long G waits for the key that says where to. */
const WITHIN_MS = 1500;
const known = new Map();
let before = "";
let timer;

/** `keys`: "n", or "g d" for one after the other. `run` answers false where it has nothing to do. */
export function onKey(keys, run) {
  known.set(keys, run);
}

function quiet(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing || keysAreOff()) return true;
  if (event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")) return true;
  return document.querySelector("dialog[open], :popover-open") !== null;
}

document.addEventListener("keydown", (event) => {
  if (event.key.length !== 1 || quiet(event)) return;
  const key = event.key.toLowerCase();
  const run = known.get(`${before} ${key}`) ?? known.get(key);
  clearTimeout(timer);
  before = run ? "" : key;
  timer = setTimeout(() => (before = ""), WITHIN_MS);
  if (run && run(event) !== false) event.preventDefault();
});

const go = (address) => () => location.assign(address);
const press = (selector) => () => {
  const link = document.querySelector(selector);
  if (!link) return false;
  link.click();
};
onKey("g d", go("/diary"));
onKey("g p", go("/patients"));
onKey("g f", go("/financials/online-payments"));
onKey("g s", go("/settings"));
onKey("n", press("a[data-key=n]"));
onKey("?", press("a[href='/shortcuts']"));
