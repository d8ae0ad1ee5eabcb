// Remit, what one person chose on this browser: colours, and whether keys of one character do something. Kept in
// cookies, so that the server draws the page as it was chosen and nothing flashes.

const root = document.documentElement;

function remember(name, value) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${value}; path=/; max-age=${value ? 31536000 : 0}; samesite=lax${secure}`;
  if (value) root.dataset[name] = value;
  else delete root.dataset[name];
  light();
}

export const keysAreOff = () => root.dataset.keys === "off";

/** Shows what is chosen, wherever it can be chosen. */
function light() {
  for (const [mark, choice] of [["data-themes", root.dataset.theme ?? ""], ["data-keys-choice", root.dataset.keys ?? ""]]) {
    document.querySelectorAll(`[${mark}]`).forEach((group) => {
      group.hidden = false;
      group.querySelectorAll("button").forEach((button) => button.setAttribute("aria-pressed", String(button.value === choice)));
    });
  }
  document.querySelectorAll("[data-keys-toggle]").forEach((button) => {
    button.closest(".keys").hidden = false;
    button.textContent = keysAreOff() ? "Turn the keys on" : "Turn off";
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.closest("[data-themes]")) remember("theme", button.value);
  else if (button.closest("[data-keys-choice]")) remember("keys", button.value);
  else if (button.matches("[data-keys-toggle]")) remember("keys", keysAreOff() ? "" : "off");
});
document.addEventListener("remit:opened", light);
light();
