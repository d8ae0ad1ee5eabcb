// Remit, find or do: Ctrl K opens one field over patients, appointments, links, pages and actions. Without this script
// the same stands at /find.
import { Suggestions } from "./suggest.js";

const apple = /Mac|iPhone|iPad/.test(navigator.platform);

function open() {
  const there = document.querySelector("dialog.palette");
  if (there) return there.querySelector("input").select();
  const dialog = document.querySelector("#palette").content.firstElementChild.cloneNode(true);
  const before = document.activeElement;
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (document.activeElement === document.body) before?.focus?.();
  });
  // A press outside closes it, as a menu.
  dialog.addEventListener("pointerdown", (event) => event.target === dialog && outside(dialog, event) && dialog.close());
  dialog.showModal();
  fill(dialog);
}

function outside(dialog, { clientX: x, clientY: y }) {
  const box = dialog.getBoundingClientRect();
  return x < box.left || x > box.right || y < box.top || y > box.bottom;
}

async function fill(dialog) {
  const [input, list, said] = [dialog.querySelector("input"), dialog.querySelector("#found"), dialog.querySelector("[role=status]")];
  const find = async (words) => {
    const response = await fetch(`/find?${new URLSearchParams({ q: words })}`, { headers: { "Remit-Fragment": "live" }, credentials: "same-origin" });
    // Signed out meanwhile: the page itself leads to the sign-in and back.
    if (response.redirected || response.status === 401) return void location.assign(`/find?${new URLSearchParams({ q: words })}`);
    if (!response.ok) throw new Error("no answer");
    const hits = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("#hits");
    said.textContent = hits.dataset.count;
    list.scrollTop = 0;
    return asOptions(document.adoptNode(hits));
  };
  // The window goes first, and the focus back to where it was; then the link is followed from there.
  const take = () => dialog.close();
  const suggestions = await Suggestions.on(input, list, { find, take, tab: false });
  suggestions.ask();
}

/** The server's list of links as options in groups: the field keeps the focus, the arrows choose. */
function asOptions(hits) {
  for (const group of hits.querySelectorAll("section")) {
    group.setAttribute("role", "group");
    group.querySelector("h2").setAttribute("role", "presentation");
    group.querySelectorAll("ul, li, form").forEach((part) => part.setAttribute("role", "none"));
    group.querySelectorAll(".hit").forEach((hit) => {
      hit.setAttribute("role", "option");
      hit.tabIndex = -1;
    });
  }
  return [...hits.children];
}

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || event.shiftKey || event.altKey || event.ctrlKey === event.metaKey) return;
  event.preventDefault();
  open();
});
document.addEventListener("click", (event) => {
  const finder = event.target.closest("[data-find]");
  if (!finder || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  open();
});

const mark = () => apple && document.querySelectorAll("[data-mod]").forEach((key) => (key.textContent = "⌘ K"));
document.addEventListener("remit:opened", mark);
mark();
