// Remit, a field with a list that follows what is typed (ARIA 1.2 combobox): arrows walk it, Enter takes an entry.

/** How long somebody must pause before the list is asked for. */
const PAUSE_MS = 150;

/** By what an option is known again. */
const named = (option) => option.getAttribute("href") ?? option.textContent;

export class Suggestions {
  /**
   * `find(words)` answers with what stands in the list (elements of role option, or around such), or null to leave it;
   * `take(option)` is told which one was taken. `tab`: the Tab key takes one too.
   */
  static async on(input, list, { find, take, tab = true }) {
    const { default: Combobox } = await import("./combobox-nav.js");
    return new Suggestions(input, list, find, take, new Combobox(input, list, { firstOptionSelectionMode: "active", tabInsertsSuggestions: tab }));
  }
  constructor(input, list, find, take, combobox) {
    Object.assign(this, { input, list, find, combobox, asked: 0, entered: false });
    input.addEventListener("input", () => this.later());
    // Enter before the answer is there waits for it: what stood in the list before is not what was meant, unless it was
    // walked to.
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || this.chosen() || (!this.waits && list.querySelector("[data-combobox-option-default=true]"))) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      this.entered = true;
      clearTimeout(this.timer);
      this.ask();
    }, true);
    // What is being pressed stays under the finger: an answer that comes meanwhile would take the click away.
    list.addEventListener("pointerdown", () => {
      this.held = true;
      for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(() => (this.held = false)), { once: true });
    });
    list.addEventListener("combobox-commit", (event) => take(event.target.closest("[role=option]")));
    // Typed before this was there.
    if (input.value.trim()) this.later();
  }
  /** What the arrows have come to. */
  chosen() {
    return this.list.querySelector("[aria-selected=true]");
  }
  later() {
    clearTimeout(this.timer);
    this.waits = true;
    this.entered = false;
    this.timer = setTimeout(() => this.ask(), PAUSE_MS);
  }
  async ask() {
    const mine = ++this.asked;
    this.waits = true;
    const found = await this.find(this.input.value.trim()).catch(() => null);
    // Only the last question's answer counts.
    if (mine !== this.asked || !this.input.isConnected) return;
    this.waits = false;
    if (!found || this.held) return;
    const chosen = this.chosen();
    this.list.replaceChildren(...found);
    this.list.hidden = !found.length;
    const options = [...this.list.querySelectorAll("[role=option]")];
    options.forEach((option, index) => (option.id = `${this.list.id}-${index}`));
    // A sentence that nothing was found is no list to choose from.
    if (!options.length) {
      this.list.removeAttribute("role");
      return this.combobox.stop();
    }
    this.list.setAttribute("role", "listbox");
    this.combobox.start();
    // A late answer does not take away what was walked to, where it still has it.
    const same = chosen && options.find((option) => named(option) === named(chosen));
    for (let step = 0; same && this.chosen() !== same && step < options.length; step += 1) this.combobox.navigate();
    if (this.entered) options.find((option) => !option.matches(".add"))?.click();
    this.entered = false;
  }
  /** Nothing is on offer, and nothing that is still asked for will be. */
  close() {
    clearTimeout(this.timer);
    this.asked += 1;
    this.waits = false;
    this.combobox.stop();
  }
}
