// Works without: it only tells that a person is here and keeps the page true.
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
    // Scanners load and even run pages; they do not touch them.
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
  const [H, M, S] = time ? time.dataset.countdown.split(" ") : [];
  let ran = false; // a phone whose clock is ahead must not reload for ever
  const paint = () => {
    const s = Math.max(0, Math.floor((Date.parse(time.dateTime) - Date.now()) / 1000));
    const h = Math.floor(s / 3600);
    const m = Math.floor((s % 3600) / 60);
    time.textContent = s < 600 ? `${m} ${M} ${s % 60} ${S}` : h ? `${h} ${H} ${m} ${M}` : `${m} ${M}`;
    if (s) setTimeout(paint, s < 600 ? 1000 : 20000);
    else if (ran) location.reload();
    ran = true;
  };
  if (time) paint();

  // Waiting for a lender: ask quietly, load the page again only when it says something else.
  const again = document.querySelector("[data-again]");
  const ask = async () => {
    try {
      const answer = await (await fetch(location.href, { credentials: "same-origin" })).text();
      const fresh = new DOMParser().parseFromString(answer, "text/html").querySelector("main");
      if (fresh && fresh.textContent !== again.textContent) return location.reload();
    } catch {} // no network just now: the next turn asks again
    setTimeout(ask, again.dataset.again * 1000);
  };
  if (again) setTimeout(ask, again.dataset.again * 1000);
})();
