// Remit, the diary's calendar: made of what stands in the server's page (#diary), which live.js keeps fresh. Dragging
// sends the form of *Reschedule*; what the server asks about is asked in its window. On a phone the server's page stands.

import { keysAreOff } from "./device.js";

const root = document.querySelector("[data-calendar]");
const wide = matchMedia("(min-width: 761px)");
const minutesOf = (from, to) => Math.round((to - from) / 60000);
const two = (number) => String(number).padStart(2, "0");
const dayOf = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
const timeOf = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;
const source = () => document.querySelector("#diary");
let calendar = null;
let draft = null;

// --- What the page says ----------------------------------------------------------------------------------------------
function resources() {
  return [...source().querySelectorAll("[data-column]")].map((head) => ({ id: head.dataset.column, title: head.querySelector("b").textContent, extendedProps: { head } }));
}
function events() {
  const all = [...source().querySelectorAll(".ev[data-start]")].map((mark) => {
    const { start, end, who, seen } = mark.dataset;
    const hue = ["a", "b", "c", "d"].find((letter) => mark.classList.contains(letter)) ?? "";
    const block = mark.classList.contains("block");
    return {
      id: block ? `${who}-${start}` : mark.getAttribute("href"), resourceIds: [who], start, end,
      display: block ? "background" : "auto",
      classNames: block ? ["hatched"] : [`ev-${hue}`, ...(mark.classList.contains("done") ? ["done"] : [])],
      editable: "movable" in mark.dataset,
      extendedProps: { mark, seen },
    };
  });
  return draft ? [...all, draft] : all;
}
const refresh = () => {
  if (!calendar) return;
  if (root.dataset.view === "day") calendar.setOption("resources", resources());
  calendar.setOption("events", events());
};

// --- How it looks ----------------------------------------------------------------------------------------------------
function content({ event }) {
  const { mark } = event.extendedProps;
  if (!mark) {
    const text = document.createElement("span");
    text.textContent = `${timeOf(event.start)} – ${timeOf(event.end)}, new appointment`;
    return { domNodes: [text] };
  }
  if (event.display === "background") return { domNodes: [mark.firstElementChild.cloneNode(true)] };
  const link = document.createElement("a");
  link.className = "open";
  link.href = mark.getAttribute("href");
  link.draggable = false; // else the browser drags the link, not the appointment
  if (event.editable) link.setAttribute("aria-keyshortcuts", "m");
  link.append(...[...mark.childNodes].map((node) => node.cloneNode(true)));
  return { domNodes: [link] };
}
// The library marks its grid up as a table whose rows hold articles; screen readers do better with a plain group.
function repair() {
  const grid = root.querySelector(".ec");
  if (!grid) return;
  grid.setAttribute("role", "group");
  grid.setAttribute("aria-label", "Diary");
  grid.querySelectorAll("[role=rowgroup],[role=row],[role=cell],[role=columnheader],[role=rowheader]").forEach((part) => part.removeAttribute("role"));
  grid.querySelectorAll("[aria-colindex]").forEach((part) => part.removeAttribute("aria-colindex"));
  grid.querySelectorAll(".ec-event[tabindex], .ec-event[role]").forEach((part) => { part.removeAttribute("tabindex"); part.removeAttribute("role"); });
  grid.querySelectorAll("aside:not([role])").forEach((part) => part.setAttribute("role", "presentation"));
  const line = grid.querySelector(".ec-now-indicator");
  if (line) line.dataset.time = timeOf(new Date());
  const body = grid.querySelector(".ec-main");
  if (body && !body.hasAttribute("tabindex")) body.tabIndex = 0;
}

// --- What is done with it --------------------------------------------------------------------------------------------
function window_(address) {
  const link = document.createElement("a");
  link.href = address;
  link.dataset.dialog = "";
  link.hidden = true;
  root.append(link);
  link.click();
  link.remove();
}
function book(start, end, who) {
  if (!("mayBook" in root.dataset)) return;
  draft = { id: "draft", start, end, resourceIds: who ? [who] : [], classNames: ["draft"], editable: false, extendedProps: {} };
  refresh();
  const asked = new URLSearchParams({ date: dayOf(start), start: timeOf(start) });
  const practitioner = who ?? root.dataset.only;
  if (practitioner && practitioner !== "none") asked.set("practitioner", practitioner);
  window_(`/appointments/new?${asked}`);
}
async function move({ event, revert }) {
  const { mark, seen } = event.extendedProps;
  const who = event.resourceIds[0] ?? mark.dataset.who;
  const body = new URLSearchParams({
    csrf: root.dataset.csrf, seen, date: dayOf(event.start), start: timeOf(event.start), minutes: minutesOf(event.start, event.end),
    practitioner: who === "none" ? "" : who, back: root.dataset.day,
  });
  try {
    const response = await fetch(`${mark.getAttribute("href")}/reschedule`, { method: "POST", body, headers: { "Remit-Fragment": "dialog" }, credentials: "same-origin" });
    if (response.redirected && new URL(response.url).pathname === "/diary") {
      say(`Moved to ${timeOf(event.start)} – ${timeOf(event.end)}.`);
      return document.dispatchEvent(new Event("remit:refresh"));
    }
    revert();
    // What stands against it, or who was first: asked and told in the window of *Reschedule*.
    document.dispatchEvent(new CustomEvent("remit:show", { detail: response }));
  } catch {
    revert();
    say("The server did not answer, so nothing was moved. Try again.");
  }
}
const say = (text) => document.dispatchEvent(new CustomEvent("remit:toast", { detail: { text } }));

// --- Its life --------------------------------------------------------------------------------------------------------
function mount() {
  if (!root || !source() || !window.EventCalendar || calendar) return;
  const day = root.dataset.view === "day";
  const may = "mayBook" in root.dataset;
  calendar = window.EventCalendar.create(root, {
    view: day ? "resourceTimeGridDay" : "timeGridWeek", date: root.dataset.day, locale: "en-GB", firstDay: 1, allDaySlot: false,
    headerToolbar: { start: "", center: "", end: "" },
    slotMinTime: root.dataset.from, slotMaxTime: root.dataset.until, slotDuration: "00:30", slotLabelInterval: "01:00", slotHeight: 40, snapDuration: "00:15",
    slotLabelFormat: { hour: "2-digit", minute: "2-digit", hour12: false },
    dayHeaderFormat: { weekday: "short", day: "numeric", month: "short" },
    editable: may, selectable: may, nowIndicator: "now" in root.dataset, eventStartEditable: may, eventDurationEditable: may,
    resources: day ? resources() : [], events: events(),
    resourceLabelContent: ({ resource }) => ({ domNodes: [...resource.extendedProps.head.cloneNode(true).childNodes] }),
    eventContent: content,
    dateClick: ({ date, resource, jsEvent }) => {
      if (!jsEvent?.target?.closest?.(".ec-event:not(.ec-bg-event)")) book(date, new Date(date.getTime() + 30 * 60000), resource?.id);
    },
    select: ({ start, end, resource }) => book(start, end, resource?.id),
    eventDrop: move, eventResize: move,
  });
  document.body.classList.add("has-calendar");
  repair();
}
function unmount() {
  if (!calendar) return;
  window.EventCalendar.destroy(calendar);
  calendar = null;
  document.body.classList.remove("has-calendar");
}
const fit = () => (wide.matches ? mount() : unmount());

if (root) {
  new MutationObserver(repair).observe(root, { childList: true, subtree: true });
  // live.js puts a fresh #diary in the old one's place.
  new MutationObserver((changes) => {
    if (changes.some((change) => [...change.addedNodes].some((node) => node.id === "diary"))) refresh();
  }).observe(document.querySelector("#main"), { childList: true });
  // A window that went away takes the sketch of its appointment with it.
  new MutationObserver(() => {
    if (draft && !document.querySelector("dialog")) {
      draft = null;
      refresh();
    }
  }).observe(document.body, { childList: true });
  // M on an appointment opens the form that moves it: all that dragging does.
  root.addEventListener("keydown", (event) => {
    const link = event.target.closest?.("a.open");
    if (!link || keysAreOff() || event.key.toLowerCase() !== "m" || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    window_(`${link.getAttribute("href")}/reschedule?back=${root.dataset.day}`);
  });
  setInterval(repair, 30_000);
  wide.addEventListener("change", fit);
  if (window.EventCalendar) fit();
  else addEventListener("load", fit);
}
