// The panes change without the page being loaded again, and never under the hands of whoever uses them.

const PANES = ["choices", "notice", "subscription", "payment_method", "invoices", "summary"];
/** What is of several of them: it comes with each. */
const SHARED = ["choices", "notice"];
/** By how much each says: of several that change at once, the first one's sentence is spoken. */
const ready = new Map();
const shown = new Map();
let asked = 0;

/** Says one sentence to whoever listens to the page. */
export function say(sentence) {
  const said = document.getElementById("said");
  if (!said || !sentence) return;
  said.textContent = "";
  clearTimeout(say.saying);
  clearTimeout(say.forgetting);
  say.saying = setTimeout(() => { said.textContent = sentence; }, 60);
  say.forgetting = setTimeout(() => { said.textContent = ""; }, 8000);
}

/** The problem that is told where this element is, if there is one. */
export const problemOf = (element) => element.closest("[data-slot]").querySelector(":scope > .problem");

/** What was wrong before is not wrong any more. */
export function settle(element) {
  problemOf(element)?.remove();
}

/** Says what is wrong where the person is looking; without a problem told, that nobody answered. */
export function complain(element, problem = null) {
  const line = document.createElement("div");
  line.className = "problem";
  line.role = "alert";
  line.textContent = document.body.dataset.offline;
  settle(element);
  element.closest("[data-slot]").prepend(problem ? document.importNode(problem, true) : line);
}

/** The session is over: nothing personal stays on the screen. It may be heard from several sides at once; leaving again
    would abort the leaving that is under way. */
export function ended() {
  if (!document.body.hasChildNodes()) return;
  document.body.replaceChildren();
  location.replace("/ended");
}

/** Fetches the page as it is now and swaps these panes. `after` is a version that is to be waited for; `live` says that
    nobody here asked for it, which prolongs no session. */
export async function refresh(names = PANES, { after = null, live = false } = {}) {
  if (!document.getElementById("pane-summary")) return undefined;
  const number = (asked += 1);
  const address = location.href;
  const url = new URL(address);
  url.searchParams.delete("said");
  if (after) url.searchParams.set("after", after);
  let answer, page;
  try {
    const headers = { accept: "text/html", "x-csrf-token": document.body.dataset.csrf, ...(live && { "x-live": "1" }) };
    answer = await fetch(url, { headers, cache: "no-store" });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return undefined;
  }
  if (answer.status === 401 || answer.status === 409) return ended();
  if (location.href !== address) return refresh(names, { live });
  return take(page, names, number);
}

/** Takes these panes over from another rendering of the page; `number` tells the newer of two. */
export function take(page, names = PANES, number = (asked += 1)) {
  for (const name of new Set([...names, ...SHARED])) {
    const fresh = page.getElementById(`pane-${name}`);
    if (!fresh || number < (shown.get(name) ?? 0)) continue;
    shown.set(name, number);
    ready.set(name, fresh);
  }
  const { revision, mark } = page.body.dataset;
  if (revision) Object.assign(document.body.dataset, { revision, mark });
  swap();
}

/** This pane was put by somebody else: what waited for it is older. */
export function forget(pane) {
  const name = pane.id.replace("pane-", "");
  shown.set(name, (asked += 1));
  ready.delete(name);
}

/** Swaps what is ready and not in use; the rest waits. */
export function swap() {
  if (document.querySelector("dialog[open]")) return;
  const news = [];
  for (const name of PANES.filter((name) => ready.has(name))) {
    const pane = document.getElementById(`pane-${name}`);
    if (pane && inUse(pane)) continue;
    const fresh = ready.get(name);
    ready.delete(name);
    if (pane) news.push(put(pane, document.importNode(fresh, true)));
  }
  say(news.find(Boolean));
}

// A list of choices is in use from the touch that may open it until something is chosen, not as long as it is stood on.
let choosing = null;
for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, ({ target }) => { choosing = target.closest?.("select") ?? null; }, true);
for (const end of ["change", "focusout"]) addEventListener(end, () => { choosing = null; }, true);

/** Whether somebody types, chooses, selects, presses or waits for something in it. */
function inUse(pane) {
  const focused = document.activeElement;
  const typing = pane.contains(focused) && focused.matches("input, textarea");
  const selection = getSelection();
  const selecting = !selection.isCollapsed && selection.containsNode(pane, true);
  return typing || pane.contains(choosing) || selecting || pane.matches(":active") || pane.querySelector("details[open], .htmx-request") !== null;
}

/** Returns what there is to say about it. A problem that was told here stays until it is settled. */
function put(pane, fresh) {
  const stood = pane.contains(document.activeElement) ? document.activeElement.id : null;
  const news = whatIsNew(pane, fresh);
  if (!fresh.querySelector(":scope > .problem")) fresh.prepend(...pane.querySelectorAll(":scope > .problem"));
  pane.replaceWith(fresh);
  window.htmx?.process(fresh);
  if (stood !== null) {
    const place = (stood && document.getElementById(stood)) || fresh.querySelector('[tabindex="-1"]');
    (place ?? document.getElementById("subscription-title"))?.focus({ preventScroll: true });
  }
  return news;
}

/** The sentence about what another rendering of a pane shows, if it shows anything else. */
function whatIsNew(pane, fresh) {
  if (fresh.dataset.news !== undefined) return pane.dataset.news !== fresh.dataset.news && fresh.dataset.news;
  return words(pane) !== words(fresh) && fresh.dataset.changed;
}

const words = (element) => element.textContent.replace(/\s+/g, " ").trim();
