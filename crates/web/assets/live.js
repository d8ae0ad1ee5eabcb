// Remit, live pages: one stream a tab. A message names topics; every element with one of them in `data-live` is taken
// anew from the page in `data-live-src`. Nothing a person is typing in is replaced, and no focus or scroll moves.

const waiting = new Set();
let stream = null;
let wasLost = false;

const live = () => [...document.querySelectorAll("[data-live]")];

/** Someone types here, or has a menu open: its turn comes later. */
function isBusy(element) {
  const active = document.activeElement;
  const typing = active && element.contains(active) && active.matches("input:not([type=checkbox], [type=radio]), textarea, select");
  const touched = [...element.querySelectorAll("form[data-checkout] .tile [type=checkbox]")].some((tick) => tick.checked !== tick.defaultChecked);
  const typed = [...element.querySelectorAll("details[open] :is(input, textarea)")].some((field) => field.value !== field.defaultValue);
  return typing || touched || typed || element.querySelector(":popover-open, [data-sent]") !== null;
}

async function refresh(elements) {
  const bySource = Map.groupBy(elements, (element) => element.dataset.liveSrc);
  await Promise.all([...bySource].map(async ([source, group]) => {
    const response = await fetch(source, { headers: { "Remit-Fragment": "live" }, credentials: "same-origin" });
    if (!response.ok || response.redirected) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    group.forEach((element) => swap(element, page.getElementById(element.id)));
    page.querySelectorAll("[data-toast]").forEach(announce);
  }));
}

// What was paid after this page was made is said once on each open page, wherever the person is.
const since = Number(document.querySelector("[data-since]")?.dataset.since ?? Infinity);
const said = new Set();
function announce(row) {
  if (Number(row.dataset.at) <= since || said.has(row.id)) return;
  said.add(row.id);
  document.dispatchEvent(new CustomEvent("remit:toast", { detail: { text: row.dataset.toast, href: row.dataset.href } }));
}

function swap(old, fresh) {
  if (!fresh || !old.isConnected) return;
  // A page's own script may take it from here.
  if (!document.dispatchEvent(new CustomEvent("remit:swap", { detail: { old, fresh }, cancelable: true }))) return;
  if (isBusy(old)) return void waiting.add(old);
  if (sameText(old, fresh)) return;
  const ticked = [...old.querySelectorAll("[type=checkbox][form]:checked")].map((tick) => tick.id);
  const rows = new Map([...old.querySelectorAll("[data-row]")].map((row) => [row.id, text(row)]));
  fresh = document.adoptNode(fresh);
  const held = old.contains(document.activeElement) ? document.activeElement : null;
  const focused = held?.id ? `#${CSS.escape(held.id)}` : held?.hasAttribute("href") && `[href="${CSS.escape(held.getAttribute("href"))}"]`;
  const scroll = [old.scrollLeft, old.scrollTop];
  const opened = [...old.querySelectorAll("details[open][id]")].map((details) => details.id);
  old.replaceWith(fresh);
  [fresh.scrollLeft, fresh.scrollTop] = scroll;
  opened.forEach((id) => document.getElementById(id)?.toggleAttribute("open", true));
  if (focused) fresh.querySelector(focused)?.focus({ preventScroll: true });
  const changed = fresh.querySelectorAll("[data-row]");
  if (changed.length || rows.size) changed.forEach((row) => rows.get(row.id) !== text(row) && row.classList.add("tint"));
  else fresh.classList.add("tint");
  ticked.forEach((id) => document.getElementById(id)?.toggleAttribute("checked", true));
  window.htmx?.process(fresh);
  fresh.querySelectorAll("[data-live-state]").forEach(show);
}

const text = (element) => element.textContent.replace(/\s+/g, " ");

/** Equal but for tokens, keys and the countdown: no reason to touch it. */
function sameText(old, fresh) {
  const marks = (element) => [...element.querySelectorAll("use, [class], [value]:not([type=hidden])")].map((e) => (e.getAttribute("href") ?? "") + e.getAttribute("class")).join();
  const clear = (element) => {
    const copy = element.cloneNode(true);
    copy.querySelectorAll("[data-countdown]").forEach((time) => (time.textContent = time.dateTime));
    copy.querySelectorAll(".tint").forEach((row) => row.classList.remove("tint"));
    copy.querySelectorAll("[data-live-state], [data-covers], [data-left], [data-label]").forEach((mark) => mark.remove());
    return copy;
  };
  const [a, b] = [clear(old), clear(fresh)];
  return text(a) === text(b) && marks(a) === marks(b);
}

document.addEventListener("focusout", () => setTimeout(() => {
  const free = [...waiting].filter((element) => element.isConnected && !isBusy(element));
  free.forEach((element) => waiting.delete(element));
  if (free.length) refresh(free).catch(() => {});
}));
document.addEventListener("remit:refresh", () => refresh(live()).catch(() => {}));

function show(mark) {
  mark.hidden = stream?.readyState !== EventSource.OPEN;
}
const showState = () => document.querySelectorAll("[data-live-state]").forEach(show);
// What has just come does not know yet.
for (const event of ["remit:opened", "htmx:after:swap"]) document.addEventListener(event, showState);

function connect() {
  stream = new EventSource("/live");
  stream.onopen = () => {
    showState();
    // Something may have happened while nobody listened.
    if (wasLost) refresh(live()).catch(() => {});
    wasLost = false;
  };
  stream.onerror = () => {
    wasLost = true;
    showState();
    // The browser gives up for good on an error status; the tab does not.
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 5000 + Math.random() * 5000);
  };
  stream.onmessage = (event) => {
    let topics;
    try {
      topics = JSON.parse(event.data).topics;
    } catch {
      return;
    }
    if (!Array.isArray(topics)) return;
    refresh(live().filter((element) => element.dataset.live.split(" ").some((topic) => topics.includes(topic)))).catch(() => {});
  };
}

// A tab that shows a window later needs the stream as well, so every staff page has it.
if (window.EventSource) connect();
