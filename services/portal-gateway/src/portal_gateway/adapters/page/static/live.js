// Listens to what changes elsewhere, and to the session's end. A hidden tab holds no stream: browsers allow six per origin.
import { ended, refresh } from "./panes.js";

const WARNING_SECONDS = 5 * 60;
const STALE_SECONDS = 10;
const notice = document.getElementById("session-ending");
const data = document.body.dataset;
let stream = null;
let retries = 0;
let retrying = null;

function listen() {
  clearTimeout(retrying);
  if (stream || document.hidden || data.revision === undefined) return;
  stream = new EventSource(`/api/stream?after=${encodeURIComponent(data.revision)}`);
  stream.addEventListener("open", () => { retries = 0; });
  stream.addEventListener("ended", ended);
  stream.addEventListener("message", changed);
  stream.addEventListener("error", () => {
    if (stream?.readyState === EventSource.CLOSED) again();
  });
}

function changed(event) {
  const message = JSON.parse(event.data);
  if (message.revision > Number(data.revision)) refresh(message.panes, { live: true });
}

// The browser gives up after an error answer: ask whether there is still a session, and try later.
function again() {
  hangUp();
  retries += 1;
  retrying = setTimeout(async () => {
    if ((await sessionSeconds()) !== 0) listen();
  }, Math.min(60, 2 ** retries) * 1000);
}

// Nothing is sent when all has caught up without changing anything here: whoever was told that it is late looks again.
setInterval(() => {
  if (!document.hidden && document.querySelector("[data-stale]")) refresh([], { live: true });
}, STALE_SECONDS * 1000);

function hangUp() {
  stream?.close();
  stream = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? hangUp() : listen()));
addEventListener("pagehide", hangUp);
// Who leaves by the door is told so by the page that answers, not by the stream.
addEventListener("submit", (event) => { if (event.target.action.endsWith("/logout")) hangUp(); });
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

/** Seconds until the session ends; 0 when it has ended (and this page with it), null when nobody answers. */
async function sessionSeconds() {
  try {
    const answer = await fetch("/api/session", { cache: "no-store" });
    if (answer.status === 401) {
      ended();
      return 0;
    }
    const session = await answer.json();
    return answer.ok ? (Date.parse(session.ends_at) - Date.parse(answer.headers.get("date") ?? new Date())) / 1000 : null;
  } catch {
    return null;
  }
}

// Near its end the session is asked about once more: another tab, or something done here, may have moved it.
let end = 0;

function watchFor(seconds) {
  end = Date.now() + (seconds ?? 60) * 1000;
}

async function watch() {
  if (end - Date.now() > WARNING_SECONDS * 1000) return;
  const left = await sessionSeconds();
  watchFor(left);
  notice.hidden = left === null || left > WARNING_SECONDS;
}

if (notice) {
  watchFor(Number(data.sessionEnds));
  setInterval(watch, 20000);
  watch();
}

notice?.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await fetch("/api/session/extend", { method: "POST", headers: { "x-csrf-token": data.csrf } }).catch(() => null);
  if (answer?.status === 401) return ended();
  if (!answer?.ok) return undefined;
  notice.hidden = true;
  return watchFor(await sessionSeconds());
});

listen();
