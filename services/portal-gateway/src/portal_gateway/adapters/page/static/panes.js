// Updates panes without reloading the page, and never a pane that is in use.

const PANES = ["choices", "notice", "subscription", "payment_method", "invoices", "summary"];
/** Parts that belong to several panes: updated with each of them. */
const SHARED = ["choices", "notice"];
/** Panes that wait to be swapped. If several change at once, the first one in the order of PANES is announced. */
const ready = new Map();
const shown = new Map();
const TOAST_MS = 6000;
let requests = 0;

/** Announces a sentence to screen readers. */
export function say(sentence) {
  const said = document.getElementById("said");
  if (!said || !sentence) return;
  said.textContent = "";
  clearTimeout(say.saying);
  clearTimeout(say.forgetting);
  say.saying = setTimeout(() => { said.textContent = sentence; }, 60);
  say.forgetting = setTimeout(() => { said.textContent = ""; }, 8000);
}

const toast = document.getElementById("toast");
let confirming = null;

/** Shows a sentence about a completed action and announces it, instead of the panes that change with it. Later ones replace
    it. It `stays` until it is closed, or is shown for a while. */
export function confirmed(sentence, { stays = false } = {}) {
  if (!toast || !sentence) return;
  toast.querySelector("p").textContent = sentence;
  toast.querySelector("button").hidden = !stays;
  toast.hidden = false;
  clearTimeout(confirming);
  confirming = setTimeout(() => {
    confirming = null;
    toast.hidden ||= !stays;
  }, TOAST_MS);
  say(sentence);
}

toast?.querySelector("button").addEventListener("click", () => {
  toast.hidden = true;
  document.getElementById("subscription-title").focus({ preventScroll: true });
});

/** The problem shown in the element's slot, if any. */
export const problemOf = (element) => element.closest("[data-slot]").querySelector(":scope > .problem");

/** Removes the problem from the element's slot. */
export function settle(element) {
  problemOf(element)?.remove();
}

/** Shows a problem in the element's slot; without one, that the portal did not respond. */
export function complain(element, problem = null) {
  const line = document.createElement("div");
  line.className = "problem";
  line.role = "alert";
  line.dataset.code = "offline";
  line.textContent = document.body.dataset.offline;
  settle(element);
  element.closest("[data-slot]").prepend(problem ? document.importNode(problem, true) : line);
}

/** Removes all personal data after the session's end and leaves the page. Only once, although several events can report the
    end: a second navigation would abort the first. */
export function ended() {
  if (!document.body.hasChildNodes()) return;
  document.body.replaceChildren();
  location.replace("/ended");
}

/** Fetches the page and swaps these panes. `after`: a version to wait for; `live`: an automatic update, which does not
    prolong the session. */
export async function refresh(names = PANES, { after = null, live = false } = {}) {
  if (!document.getElementById("pane-summary")) return undefined;
  const number = (requests += 1);
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

/** Takes these panes from another rendering of the page; the higher `number` is the newer one. */
export function take(page, names = PANES, number = (requests += 1)) {
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

/** Discards the waiting version of a pane that htmx has replaced. */
export function forget(pane) {
  const name = pane.id.replace("pane-", "");
  shown.set(name, (requests += 1));
  ready.delete(name);
}

/** Swaps the waiting panes that are not in use. */
export function swap() {
  if (document.querySelector("dialog[open]")) return;
  const news = [];
  for (const name of PANES.filter((name) => ready.has(name))) {
    const pane = document.getElementById(`pane-${name}`);
    if (pane && inUse(pane)) continue;
    const fresh = ready.get(name);
    ready.delete(name);
    const changed = pane && put(pane, document.importNode(fresh, true));
    if (confirming === null || name === "notice") news.push(changed);
  }
  say(news.find(Boolean));
}

// A select is in use from the event that may open it until a choice, not as long as it has the focus.
let choosing = null;
for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, ({ target }) => { choosing = target.closest?.("select") ?? null; }, true);
for (const end of ["change", "focusout"]) addEventListener(end, () => { choosing = null; }, true);

/** Whether the person types, chooses, selects, presses or waits for a response in it. */
function inUse(pane) {
  const focused = document.activeElement;
  const typing = pane.contains(focused) && focused.matches("input, textarea");
  const selection = getSelection();
  const selecting = !selection.isCollapsed && selection.containsNode(pane, true);
  return typing || pane.contains(choosing) || selecting || pane.matches(":active") || pane.querySelector("details[open], .htmx-request") !== null;
}

/** Returns the sentence to announce. A shown problem stays until it is settled. */
function put(pane, fresh) {
  const stood = pane.contains(document.activeElement) ? document.activeElement.id : null;
  const news = whatIsNew(pane, fresh);
  if (!fresh.querySelector(":scope > .problem")) fresh.prepend(...pane.querySelectorAll(":scope > .problem"));
  if (news) fresh.classList.add("changed");
  pane.replaceWith(fresh);
  window.htmx?.process(fresh);
  if (stood !== null) {
    const place = (stood && document.getElementById(stood)) || fresh.querySelector('[tabindex="-1"]');
    (place ?? document.getElementById("subscription-title"))?.focus({ preventScroll: true });
  }
  return news;
}

/** The sentence about the changed content of a pane, if it changed. */
function whatIsNew(pane, fresh) {
  if (fresh.dataset.news !== undefined) return pane.dataset.news !== fresh.dataset.news && fresh.dataset.news;
  return words(pane) !== words(fresh) && fresh.dataset.changed;
}

const words = (element) => element.textContent.replace(/\s+/g, " ").trim();
