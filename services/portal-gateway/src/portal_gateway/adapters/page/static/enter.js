// Exchanges the link in the address for a session. The fragment is cleared before anything is sent: it stays in no history.
import { minutesOf } from "./words.js";

const ENTRANCES = { payment_method: "/payment-method", cancel: "/cancel" };
const sheet = document.querySelector("[data-enter]");
const part = (name) => sheet.querySelector(`[data-${name}]`);

function show(name) {
  for (const other of ["wait", "confirm", "refused", "no-cookie", "unreachable", "too-many"]) part(other).hidden = other !== name;
  if (name === "refused") {
    part("paste").classList.remove("without-script");
    document.getElementById("sheet-title").textContent = sheet.dataset.refusedTitle;
  }
  if (name !== "wait") document.getElementById("sheet-title").focus();
}

// A link for one use waits for a click: what only looks at pages must not use it up.
function begin() {
  const token = location.hash.slice(1);
  const waits = new URLSearchParams(location.search).has("continue");
  history.replaceState(null, "", "/enter");
  if (!token) return show("refused");
  if (!waits) return enter(token);
  return offer("confirm", token);
}

function offer(name, token) {
  show(name);
  part(name).querySelector("button").onclick = () => enter(token);
}

async function enter(token) {
  show("wait");
  let answer;
  try {
    answer = await fetch("/api/session", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ token }),
    });
    if (answer.status === 204) return await arrive();
  } catch {
    return offer("unreachable", token);
  }
  if (answer.status === 429) {
    part("too-many").textContent = minutesOf(part("too-many").dataset.tooMany, Number(answer.headers.get("retry-after")));
    return show("too-many");
  }
  return answer.status === 401 || answer.status === 422 ? show("refused") : offer("unreachable", token);
}

// A browser that keeps no cookie would come back to a page that knows nobody.
async function arrive() {
  const session = await fetch("/api/session", { cache: "no-store" });
  if (!session.ok) return show("no-cookie");
  const { flow } = await session.json().catch(() => ({}));
  return location.replace(ENTRANCES[flow] ?? "/");
}

if (document.prerendering) document.addEventListener("prerenderingchange", begin, { once: true });
else begin();
addEventListener("hashchange", () => { if (location.hash) begin(); });
