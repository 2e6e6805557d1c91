// Receives changes and the session's end. A hidden tab has no stream: browsers allow six connections per origin.
import { complain, confirmed, ended, refresh, say } from "./panes.js";

const WARNING_MS = 5 * 60 * 1000;
const WATCH_MS = 20 * 1000;
const notice = document.getElementById("session-ending");
const home = notice?.parentElement;
const dialog = document.getElementById("dialog");
const data = document.body.dataset;
let stream = null;
let retries = 0;
let retrying = null;

function listen() {
  clearTimeout(retrying);
  if (stream || document.hidden) return;
  stream = new EventSource(`/api/stream?${new URLSearchParams({ page: data.page, ...(data.revision && { after: data.revision }) })}`);
  stream.addEventListener("open", () => { retries = 0; });
  stream.addEventListener("ended", ended);
  stream.addEventListener("message", ({ data: message }) => {
    const { revision, panes } = JSON.parse(message);
    if (String(revision) !== data.revision) refresh(panes, { live: true });
  });
  // The facts' age and the accepted commands, which change without a new revision.
  stream.addEventListener("pulse", ({ data: message }) => {
    if (JSON.parse(message).mark !== data.mark) refresh(undefined, { live: true });
  });
  stream.addEventListener("error", () => {
    if (stream?.readyState === EventSource.CLOSED) reconnect();
  });
}

// The browser stops after an error response: check the session now, and reconnect later.
async function reconnect() {
  disconnect();
  await sessionEnds();
  retries += 1;
  retrying = setTimeout(listen, Math.min(60, 2 ** retries) * 1000);
}

function disconnect() {
  stream?.close();
  stream = null;
}

addEventListener("online", () => { disconnect(); listen(); });
// After a log-out the next page says so: the stream must not interfere.
addEventListener("submit", (event) => { if (event.target.action.endsWith("/logout")) disconnect(); });

// The back-forward cache must not keep personal data: hide the page before, reload it after.
addEventListener("pagehide", (event) => {
  disconnect();
  if (event.persisted) document.body.hidden = true;
});
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// Another tab opened or ended a session: check whether this tab may still show its data, even while it is hidden.
const tabs = new BroadcastChannel("session");
tabs.addEventListener("message", (event) => { if (event.data !== data.page) sessionEnds(); });
tabs.postMessage(data.page);

/** When the session ends, and its latest possible end: by this computer's clock, in ms; null without a response.
    If the session has ended, leaves the page. */
async function sessionEnds() {
  try {
    const answer = await fetch("/api/session", { headers: { "x-csrf-token": data.csrf }, cache: "no-store" });
    if (answer.status === 401 || answer.status === 409) ended();
    if (!answer.ok) return null;
    const session = await answer.json();
    const ahead = Date.now() - Date.parse(answer.headers.get("date") ?? new Date());
    return { at: Date.parse(session.ends_at) + ahead, latest: Date.parse(session.latest_end) + ahead };
  } catch {
    return null;
  }
}

// Near its end, reads the session again: this or another tab may have prolonged it.
let end = Date.now() + Number(data.sessionEnds) * 1000;

async function watch() {
  if (end - Date.now() > WARNING_MS) return;
  const ends = await sessionEnds();
  if (ends === null) return;
  end = ends.at;
  const forGood = ends.latest - Date.now() <= WARNING_MS;
  for (const part of notice.querySelectorAll("[data-extend]")) part.hidden = forGood;
  notice.querySelector("[data-for-good]").hidden = !forGood;
  put();
  notice.hidden = end - Date.now() > WARNING_MS;
}

/** Moves the notice into an open dialog, where it can be reached. Keeps the focus on its button. */
function put() {
  if (dialog?.open === dialog?.contains(notice)) return;
  if (dialog.open) dialog.prepend(notice);
  else home.prepend(notice);
}

if (notice) {
  dialog?.addEventListener("close", put);
  setInterval(watch, WATCH_MS);
  watch();
}

notice?.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await fetch("/api/session/extend", { method: "POST", headers: { "x-csrf-token": data.csrf } }).catch(() => null);
  if (answer?.status === 401) return ended();
  if (answer?.status === 409) return location.assign("/?said=session_changed");
  if (!answer?.ok) return complain(event.target);
  await watch();
  if (!notice.hidden) return undefined;
  const title = document.getElementById("sheet-title") ?? document.getElementById("subscription-title");
  title.focus({ preventScroll: true });
  return document.getElementById("toast") ? confirmed(event.target.dataset.said) : say(event.target.dataset.said);
});

// Timers of a hidden tab do not run: check when it becomes visible.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return disconnect();
  listen();
  return notice && watch();
});

listen();
