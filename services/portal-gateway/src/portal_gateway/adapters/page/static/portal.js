// Dialogs, the comment's counter, menus, and forms that update panes in place. Without scripts, each of these is a page.
import { complain, confirmed, ended, forget, problemOf, refresh, say, settle, swap, take } from "./panes.js";
import { counted } from "./words.js";

const dialog = document.getElementById("dialog");
const slot = document.getElementById("dialog-body");
const DOUBLE_CLICK_MS = 400;
/** What was typed into a form of the dialog, by the form's address, until it is submitted. */
const drafts = new Map();
let opener = null;

// Until this script runs, the browser follows links and forms itself.
document.body.removeAttribute("hx-disable");

// A reload must not repeat a one-time message. A cookie stores the language.
if (/[?&](after|said|lang)=/.test(location.search)) {
  const url = new URL(location.href);
  for (const name of ["after", "said", "lang"]) url.searchParams.delete(name);
  history.replaceState(history.state, "", url);
}

// During a request: its button shows that it waits, and a dialog opens immediately.
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

/** The confirmed form that waits for its response. It stays in a closed dialog, because the response replaces it. */
const underWay = () => slot.querySelector("form:is(.htmx-request, [aria-busy])");

/** Opens a closed dialog again to show a problem: the person believes that the action succeeded. */
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

// A dialog that was closed while loading stays closed.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target === slot && !dialog.open && detail.requestConfig.verb === "get") detail.shouldSwap = false;
});

// A dialog shows the sheet of its button's page; the filter and the pages of the history update in place.
document.addEventListener("htmx:afterSwap", ({ detail: { elt, target, xhr, requestConfig } }) => {
  if (xhr.status >= 400 && xhr.status !== 422) return handleProblem(elt);
  if (target.id.startsWith("pane-")) return arrived(target.id);
  if (target.id === "payment-outcome") return undefined;
  const sheet = target.querySelector("#sheet");
  if (target === slot && !dialog.open) dialog.showModal();
  if (target === slot && requestConfig.verb === "get") restoreDraft();
  (sheet.querySelector('[aria-invalid="true"]:not(fieldset), fieldset[aria-invalid="true"] input') ?? sheet.querySelector("#sheet-title")).focus();
  if ("refresh" in sheet.dataset) {
    drafts.clear();
    refresh();
  }
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

/** Reloads or refreshes after a problem: the page may be outdated or belong to another session. */
function handleProblem(element) {
  reopen(element);
  const { reload } = problemOf(element).dataset;
  if (reload) location.assign(reload);
  else if (reload === "" && !dialog?.open) refresh();
}

dialog?.addEventListener("cancel", (event) => {
  if (slot.querySelector("[data-busy]")) event.preventDefault();
});

// The close event is asynchronous: the dialog may be open again by then.
dialog?.addEventListener("close", () => {
  if (dialog.open) return;
  abort();
  const reload = slot.querySelector("[data-reload]") !== null;
  const { toast, toastStays } = slot.querySelector("[data-toast]")?.dataset ?? {};
  storeDraft();
  if (!underWay()) slot.replaceChildren();
  if (reload) refresh();
  swap();
  confirmed(toast, { stays: toastStays !== undefined });
});

// A short download shows nothing but the browser's own sign, which phones hide.
document.addEventListener("click", (event) => {
  if (event.target.closest('a[href$=".pdf"], a[href^="/export"]:not([data-download])')) {
    confirmed(document.getElementById("toast")?.dataset.downloading);
  }
});

const typedForm = () => slot.querySelector("form[hx-post]:has(textarea)");

function storeDraft() {
  const form = typedForm();
  if (form) drafts.set(form.action, [form.elements.feedback.value, form.elements.comment.value]);
}

function restoreDraft() {
  const form = typedForm();
  const draft = form && drafts.get(form.action);
  if (!draft) return;
  if (draft[0]) form.elements.feedback.value = draft[0];
  form.elements.comment.value = draft[1];
  form.elements.comment.dispatchEvent(new Event("input", { bubbles: true }));
}

// A click beside a dialog closes a result, never a form.
const beside = ({ target, clientX: x, clientY: y }) => {
  const box = dialog.getBoundingClientRect();
  return target === dialog && (x < box.left || x > box.right || y < box.top || y > box.bottom);
};
let pressedBeside = false;
dialog?.addEventListener("pointerdown", (event) => { pressedBeside = beside(event); });
dialog?.addEventListener("click", (event) => {
  if (pressedBeside && beside(event) && slot.querySelector("[data-refresh], [data-result]")) dialog.close();
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
    if (!menu.contains(event.target) || event.target.closest("a.item, form[hx-get] .item")) fold(menu);
  }
});

/** Adds the current filter to a link, which may be older, except the parameters that the link itself changes. */
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

// A menu closes when the focus leaves it.
document.addEventListener("focusout", (event) => {
  const menu = event.target.closest("details.menu[open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});

// Swaps waiting panes when they are no longer in use.
for (const leaving of ["focusout", "pointerup", "selectionchange"]) document.addEventListener(leaving, () => setTimeout(swap));
document.addEventListener("toggle", () => setTimeout(swap), true);

// The button to cancel appears where the button to keep was, also before the response if the stream is faster: the second click
// of a double click must not press it.
let withdrawnAt = -DOUBLE_CLICK_MS;
document.addEventListener("click", (event) => {
  if (event.detail > 0 && performance.now() - withdrawnAt < DOUBLE_CLICK_MS && event.target.closest("#cancel")) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, true);

// Withdrawing a cancellation: the panes of the response replace the current ones, except the history, which may be filtered.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-in-place]") || !document.getElementById("pane-summary")) return;
  event.preventDefault();
  if (form.ariaBusy) return;
  form.ariaBusy = "true";
  withdrawnAt = Infinity;
  settle(form);
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (answer.status === 401) return ended();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) {
      complain(form, page.querySelector(".problem"));
      return handleProblem(form);
    }
    slot.replaceChildren();
    if (dialog.open) dialog.close();
    take(page, ["subscription", "payment_method", "summary"]);
    return confirmed(page.querySelector("[data-message][role=status]")?.textContent.trim());
  } catch {
    complain(form);
    return reopen(form);
  } finally {
    withdrawnAt = performance.now();
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

// Few customers confirm at their bank, so a first visit does not load the script of that sheet.
function bank(root) {
  if (root.querySelector("[data-bank]")) import("./bank.js");
}

document.addEventListener("htmx:afterSwap", (event) => bank(event.detail.target));
bank(document);
