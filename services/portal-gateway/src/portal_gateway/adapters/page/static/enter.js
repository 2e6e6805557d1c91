// Exchanges the link in the address for a session. Clears the address first, so that the history does not contain the link.
import { tokenIn, waits } from "./token.js";
import { minutesOf } from "./words.js";

const ENTRANCES = { payment_method: "/payment-method", cancel: "/cancel" };
const sheet = document.querySelector("[data-enter]");
sheet.dataset.started = "yes";
const part = (name) => sheet.querySelector(`[data-${name}]`);

function show(name) {
  for (const other of ["wait", "confirm", "refused", "no-cookie", "unreachable", "too-many"]) part(other).hidden = other !== name;
  if (name === "refused") {
    part("paste").classList.remove("late");
    part("blocked").hidden = true;
    document.getElementById("sheet-title").textContent = sheet.dataset.refusedTitle;
  }
  if (name !== "wait") document.getElementById("sheet-title").focus();
}

// A single-use link waits for a click, so that link previews cannot use it up. Until then it stays in the address, for reloads:
// in the fragment, which no request contains, even if the mail program had put it elsewhere.
function begin() {
  const token = tokenIn(location.href);
  if (!token) return show("refused");
  const once = waits(location.href);
  history.replaceState(null, "", `/enter${once ? "?continue" : ""}#${token}`);
  if (once) return offer("confirm", () => enter(token));
  return enter(token);
}

function offer(name, action) {
  show(name);
  part(name).querySelector("button").onclick = action;
}

// Switching the language loads this page again: the waiting link moves along, without an entry in the history.
document.addEventListener("click", (event) => {
  const other = event.target.closest("a[hreflang]");
  if (!other || !location.hash) return;
  event.preventDefault();
  location.replace(`${other.href}&continue${location.hash}`);
});

let busy = false;

// Checks one link at a time: a second one waits for the first one's result.
async function enter(token) {
  busy = true;
  history.replaceState(null, "", "/enter");
  show("wait");
  const next = await exchange(token);
  busy = false;
  return location.hash ? begin() : next();
}

/** The next step. */
async function exchange(token) {
  const unreachable = () => offer("unreachable", () => enter(token));
  let answer;
  try {
    answer = await fetch("/api/session", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ token }),
    });
  } catch {
    return unreachable;
  }
  if (answer.status === 204) return () => arrive(answer.headers.get("content-location"));
  if (answer.status === 429) return () => tooMany(Number(answer.headers.get("retry-after")));
  return answer.status === 401 || answer.status === 422 ? () => show("refused") : unreachable;
}

function tooMany(seconds) {
  part("too-many").textContent = minutesOf(part("too-many").dataset.tooMany, seconds);
  show("too-many");
}

// A browser without cookies would only get the page for requests without a session. `place` is the page of an invoice link.
async function arrive(place) {
  let session;
  try {
    session = await fetch(place ? `/api${place}` : "/api/session", { cache: "no-store" });
  } catch {
    return offer("unreachable", () => arrive(place));
  }
  if (!session.ok) return show("no-cookie");
  if (place) return location.replace(place);
  const { flow } = await session.json().catch(() => ({}));
  return location.replace(ENTRANCES[flow] ?? "/");
}

if (document.prerendering) document.addEventListener("prerenderingchange", begin, { once: true });
else begin();
addEventListener("hashchange", () => { if (location.hash && !busy) begin(); });
