// Removes the invoice from the page of an invoice link when its session has ended: after its time, when it was closed in another
// tab, or when the link was revoked.
const WATCH_MS = 60 * 1000;
const { csrf } = document.body.dataset;

/** Checks the session without prolonging it. Opening another link in this browser also ends it. */
async function check() {
  const answer = await fetch("/api/shared-invoice", { cache: "no-store", headers: { "x-live": "1" } }).catch(() => null);
  if (answer?.status === 401 || (answer?.ok && (await answer.json()).csrf !== csrf)) leave();
}

function leave() {
  document.body.replaceChildren();
  location.replace("/shared-invoice");
}

// The back-forward cache must not keep the invoice: hide the page before, reload it after.
addEventListener("pagehide", (event) => { if (event.persisted) document.body.hidden = true; });
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

const tabs = new BroadcastChannel("session");
tabs.addEventListener("message", check);
tabs.postMessage("invoice");

// Timers of a suspended tab do not run: check when it becomes visible.
document.addEventListener("visibilitychange", () => { if (!document.hidden) check(); });
setInterval(check, WATCH_MS);
