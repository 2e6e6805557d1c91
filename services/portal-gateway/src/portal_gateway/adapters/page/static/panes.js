// The panes change without the page being loaded again, and never under the hands of whoever uses them.

const PANES = ["summary", "notice", "subscription", "payment_method", "invoices"];
const ready = new Map();

/** Says one sentence to whoever listens to the page. */
export function say(sentence) {
  const said = document.getElementById("said");
  if (!said || !sentence) return;
  const before = said.textContent;
  said.textContent = "";
  setTimeout(() => { said.textContent = before && before !== sentence ? `${before} ${sentence}` : sentence; }, 60);
  clearTimeout(say.forgetting);
  say.forgetting = setTimeout(() => { said.textContent = ""; }, 8000);
}

/** The session is over: nothing personal stays on the screen. */
export function ended() {
  document.body.replaceChildren();
  location.replace("/ended");
}

/** Fetches the page as it is now and swaps these panes. `after` is a version that is to be waited for; `live` says that
    nobody here asked for it, which prolongs no session. */
export async function refresh(names = PANES, { after = null, live = false } = {}) {
  const onPortal = document.getElementById("pane-summary") !== null;
  const url = new URL(onPortal ? location.href : "/", location.origin);
  url.searchParams.delete("said");
  if (after) url.searchParams.set("after", after);
  let answer, page;
  try {
    answer = await fetch(url, { headers: { accept: "text/html", ...(live && { "x-live": "1" }) }, cache: "no-store" });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null;
  }
  if (answer.status === 401) return ended();
  if (!answer.ok) return null;
  take(page, names);
  return page;
}

/** Takes these panes over from another rendering of the page. */
export function take(page, names = PANES) {
  for (const name of new Set([...names, "notice"])) {
    const fresh = page.getElementById(`pane-${name}`);
    if (fresh) ready.set(name, fresh);
  }
  if (page.body.dataset.revision) document.body.dataset.revision = page.body.dataset.revision;
  swap();
}

/** Swaps what is ready and not in use; the rest waits. */
export function swap() {
  if (document.querySelector("dialog[open]")) return;
  for (const [name, fresh] of ready) {
    const pane = document.getElementById(`pane-${name}`);
    if (pane && inUse(pane)) continue;
    ready.delete(name);
    if (pane) put(pane, document.importNode(fresh, true));
  }
}

function inUse(pane) {
  const focused = document.activeElement;
  const typing = pane.contains(focused) && focused.matches("input, select, textarea");
  return typing || pane.querySelector("details[open]") !== null;
}

function put(pane, fresh) {
  const stood = pane.contains(document.activeElement) ? document.activeElement.id : null;
  const differs = words(pane) !== words(fresh);
  pane.replaceWith(fresh);
  window.htmx?.process(fresh);
  if (stood !== null) {
    const place = (stood && document.getElementById(stood)) || fresh.querySelector('[tabindex="-1"]');
    place?.focus({ preventScroll: true });
  }
  if (differs) say(fresh.dataset.changed);
}

const words = (element) => element.textContent.replace(/\s+/g, " ").trim();
