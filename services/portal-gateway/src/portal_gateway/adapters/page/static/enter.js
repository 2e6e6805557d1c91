// Exchanges the link in the address for a session. The address is cleared before anything is sent: it stays in no history.
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

// A link for one use waits for a click: what only looks at pages must not use it up. Until then it stays in the address,
// where a reload finds it: in the fragment, which no request carries, wherever the mail program had put it.
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

// The other language is this page again: the link that waits in the address goes along, and stays in no history.
document.addEventListener("click", (event) => {
  const other = event.target.closest("a[hreflang]");
  if (!other || !location.hash) return;
  event.preventDefault();
  location.replace(`${other.href}&continue${location.hash}`);
});

let busy = false;

// One link after the other: one that comes while another is being checked waits for its answer.
async function enter(token) {
  busy = true;
  history.replaceState(null, "", "/enter");
  show("wait");
  const next = await exchange(token);
  busy = false;
  return location.hash ? begin() : next();
}

/** What is to be done next. */
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
  if (answer.status === 204) return arrive;
  if (answer.status === 429) return () => tooMany(Number(answer.headers.get("retry-after")));
  return answer.status === 401 || answer.status === 422 ? () => show("refused") : unreachable;
}

function tooMany(seconds) {
  part("too-many").textContent = minutesOf(part("too-many").dataset.tooMany, seconds);
  show("too-many");
}

// A browser that keeps no cookie would come back to a page that knows nobody.
async function arrive() {
  let session;
  try {
    session = await fetch("/api/session", { cache: "no-store" });
  } catch {
    return offer("unreachable", arrive);
  }
  if (!session.ok) return show("no-cookie");
  const { flow } = await session.json().catch(() => ({}));
  return location.replace(ENTRANCES[flow] ?? "/");
}

if (document.prerendering) document.addEventListener("prerenderingchange", begin, { once: true });
else begin();
addEventListener("hashchange", () => { if (location.hash && !busy) begin(); });
