// Dialogs, the comment's counter, menus, and forms that change panes in place. Without it everything is a page of its own.
import { complain, ended, forget, problemOf, refresh, say, settle, swap, take } from "./panes.js";
import { counted } from "./words.js";

const dialog = document.getElementById("dialog");
const slot = document.getElementById("dialog-body");
let opener = null;

// Until somebody listens here, every link and form is followed by the browser itself.
document.body.removeAttribute("hx-disable");

// What was only said to this one rendering is not said again by a reload; the language is kept by its cookie.
if (/[?&](after|said|lang)=/.test(location.search)) {
  const url = new URL(location.href);
  for (const name of ["after", "said", "lang"]) url.searchParams.delete(name);
  history.replaceState(history.state, "", url);
}

// A request on its way: what waits for it says so, and a dialog opens at once.
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, target } = event.detail;
  if (target === slot && !dialog.open && underWay()) {
    event.preventDefault();
    return open();
  }
  settle(elt);
  target.ariaBusy = "true";
  if (target !== slot || dialog.open) return undefined;
  abort();
  opener = elt;
  slot.replaceChildren(document.getElementById("loading").content.cloneNode(true));
  slot.querySelector("#sheet-title").textContent = elt.textContent.trim();
  return open();
});

function open() {
  dialog.showModal();
  slot.querySelector("#sheet-title").focus();
}

/** What was confirmed in the dialog and is not answered yet. Closed, it stays there: the answer needs its place. */
const underWay = () => slot.querySelector("form:is(.htmx-request, [aria-busy])");

/** What went wrong is told in the dialog also to whoever has closed it: they believe that it is done. */
function reopen(element) {
  if (slot?.contains(element) && !dialog.open) open();
}

function abort() {
  if (opener) window.htmx.trigger(opener, "htmx:abort");
  opener = null;
}

document.addEventListener("htmx:afterRequest", ({ detail: { elt, target } }) => {
  target.removeAttribute("aria-busy");
  if (elt === opener && slot?.querySelector("[data-loading]")) dialog.close();
  swap();
});

// Whoever closed a dialog while it was loading does not want it any more.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target === slot && !dialog.open && detail.requestConfig.verb === "get") detail.shouldSwap = false;
});

// A dialog shows the sheet of the page that its button leads to; a filter and its pages change the history in place.
document.addEventListener("htmx:afterSwap", ({ detail: { elt, target, xhr } }) => {
  if (xhr.status >= 400 && xhr.status !== 422) return heed(elt);
  if (target.id.startsWith("pane-")) return arrived(target.id);
  if (target.id === "payment-outcome") return undefined;
  const sheet = target.querySelector("#sheet");
  if (target === slot && !dialog.open) dialog.showModal();
  (sheet.querySelector('[aria-invalid="true"]') ?? sheet.querySelector("#sheet-title")).focus();
  if ("refresh" in sheet.dataset) refresh();
  return undefined;
});

function arrived(id) {
  const pane = document.getElementById(id);
  forget(pane);
  say(pane.querySelector(".empty p")?.textContent ?? pane.dataset.changed);
  if (document.activeElement === document.body) pane.querySelector('[tabindex="-1"]').focus({ preventScroll: true });
}

document.addEventListener("htmx:beforeOnLoad", ({ detail: { xhr } }) => {
  if (xhr.status === 401) ended();
});

document.addEventListener("htmx:sendError", ({ detail: { elt } }) => {
  complain(elt);
  reopen(elt);
});

/** A problem may be that the page shows what is no more, or belongs to another session. */
function heed(element) {
  reopen(element);
  const { reload } = problemOf(element).dataset;
  if (reload) location.assign(reload);
  else if (reload === "" && !dialog?.open) refresh();
}

dialog?.addEventListener("cancel", (event) => {
  if (slot.querySelector("[data-busy]")) event.preventDefault();
});

// A closing is told a moment later: by then the dialog may be open again.
dialog?.addEventListener("close", () => {
  if (dialog.open) return;
  abort();
  const reload = slot.querySelector("[data-reload]") !== null;
  if (!underWay()) slot.replaceChildren();
  if (reload) refresh();
  swap();
});

document.addEventListener("click", (event) => {
  const closing = event.target.closest("[data-close]");
  if (closing) {
    event.preventDefault();
    if (dialog?.open) dialog.close();
    else location.assign(closing.dataset.close);
  }
  if (event.target.closest("[data-print]")) window.print();
  keepPlace(event.target.closest("a[data-keeps]"));
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target) || event.target.closest("a.item")) fold(menu);
  }
});

/** The filter may have changed since this link was made: it leads to what is seen now, but for what it changes itself. */
function keepPlace(link) {
  if (!link) return;
  const url = new URL(link.href);
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (!url.searchParams.has(name)) url.searchParams.set(name, value);
  }
  link.href = url;
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) fold(menu);
});

function fold(menu) {
  const within = menu.contains(document.activeElement);
  menu.open = false;
  if (within) menu.querySelector("summary").focus();
}

// A menu that somebody leaves covers nothing behind them.
document.addEventListener("focusout", (event) => {
  const menu = event.target.closest("details.menu[open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});

// What waited while someone was there goes in when they leave.
for (const leaving of ["focusout", "pointerup", "selectionchange"]) document.addEventListener(leaving, () => setTimeout(swap));
document.addEventListener("toggle", () => setTimeout(swap), true);

// Keeping a subscription: the panes of the page that answers replace the ones here, but for the history, which may be filtered.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-in-place]") || !document.getElementById("pane-summary")) return;
  event.preventDefault();
  if (form.ariaBusy) return;
  form.ariaBusy = "true";
  settle(form);
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (answer.status === 401) return ended();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) {
      complain(form, page.querySelector(".problem"));
      return heed(form);
    }
    if (dialog.open) dialog.close();
    else slot.replaceChildren();
    take(page, ["subscription", "payment_method", "summary"]);
    return say(page.querySelector(".notice.good")?.textContent.trim());
  } catch {
    complain(form);
    return reopen(form);
  } finally {
    form.removeAttribute("aria-busy");
  }
});

document.addEventListener("input", (event) => {
  const limit = Number(event.target.dataset.limit);
  if (!limit) return;
  const line = document.getElementById("comment-limit");
  const left = limit - [...event.target.value].length;
  line.textContent = counted(line.dataset.left, left);
  line.classList.toggle("error", left < 0);
});
