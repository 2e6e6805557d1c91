// Listens to what changes elsewhere, and to the session's end. A hidden tab holds no stream: browsers allow six per origin.
import { complain, ended, refresh, say } from "./panes.js";

const WARNING_MS = 5 * 60 * 1000;
const WATCH_MS = 20 * 1000;
const notice = document.getElementById("session-ending");
const before = notice?.previousElementSibling;
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
  stream.addEventListener("message", ({ data: told }) => {
    const { revision, panes } = JSON.parse(told);
    if (String(revision) !== data.revision) refresh(panes, { live: true });
  });
  // How late the facts are, and what is on its way: what is told besides them.
  stream.addEventListener("pulse", ({ data: told }) => {
    if (JSON.parse(told).mark !== data.mark) refresh(undefined, { live: true });
  });
  stream.addEventListener("error", () => {
    if (stream?.readyState === EventSource.CLOSED) again();
  });
}

// The browser gives up after an error answer: ask at once whether there is still a session, and try later.
async function again() {
  hangUp();
  await sessionEnds();
  retries += 1;
  retrying = setTimeout(listen, Math.min(60, 2 ** retries) * 1000);
}

function hangUp() {
  stream?.close();
  stream = null;
}

addEventListener("online", () => { hangUp(); listen(); });
// Who leaves by the door is told so by the page that answers, not by the stream.
addEventListener("submit", (event) => { if (event.target.action.endsWith("/logout")) hangUp(); });

// A browser may keep a page as it was left, for whoever comes back to it: it keeps an empty one, which is loaded again.
addEventListener("pagehide", (event) => {
  hangUp();
  if (event.persisted) document.body.hidden = true;
});
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// Another tab came in by a link, or out: what this one shows may not be shown any more, also while nobody looks at it.
const tabs = new BroadcastChannel("session");
tabs.addEventListener("message", (event) => { if (event.data !== data.page) sessionEnds(); });
tabs.postMessage(data.page);

/** When the session ends, and when it does whatever is done here: by this computer's clock, in ms; null when nobody answers.
    A session that has ended takes this page with it. */
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

// Near its end the session is asked about once more: another tab, or something done here, may have moved it.
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

/** Where it can be reached: what lies behind an open dialog cannot. Who stands on its button stays there. */
function put() {
  if (dialog?.open === dialog?.contains(notice)) return;
  if (dialog.open) dialog.prepend(notice);
  else before.after(notice);
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
  return say(event.target.dataset.said);
});

// Timers of a hidden tab sleep: whoever comes back to it is told at once.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return hangUp();
  listen();
  return notice && watch();
});

listen();
