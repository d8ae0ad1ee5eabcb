// Remit, patient page. Works without: it only tells that a person is here, and keeps the time left true.
(() => {
  const main = document.querySelector("[data-seen]");
  let visibleMs = 0;
  let touched = false;
  let sent = false;
  const tell = () => {
    if (sent || !touched || visibleMs < 3000) return;
    sent = true;
    fetch(main.dataset.seen, { method: "POST", keepalive: true, credentials: "same-origin" }).catch(() => {});
  };
  if (main) {
    // Scanners load and even run pages; they do not touch them (hazard: fetched is not accessed).
    for (const kind of ["pointerdown", "touchstart", "keydown", "scroll", "wheel"]) {
      addEventListener(kind, (event) => {
        if (event.isTrusted) touched = true;
        tell();
      }, { passive: true });
    }
    setInterval(() => {
      if (document.visibilityState === "visible") visibleMs += 500;
      tell();
    }, 500);
  }
  const time = document.querySelector("[data-countdown]");
  let ran = false; // a phone whose clock is ahead must not reload for ever
  const paint = () => {
    const s = Math.max(0, Math.floor((Date.parse(time.dateTime) - Date.now()) / 1000));
    const h = Math.floor(s / 3600);
    const m = Math.floor((s % 3600) / 60);
    time.textContent = s < 600 ? `${m} min ${s % 60} s` : h ? `${h} h ${m} min` : `${m} min`;
    if (s) setTimeout(paint, s < 600 ? 1000 : 20000);
    else if (ran) location.reload();
    ran = true;
  };
  if (time) paint();
})();
