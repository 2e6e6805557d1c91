// Dialogs, the comment's counter, menus, and forms that change panes in place. Without it everything is a page of its own.
import { refresh, say, swap, take } from "./panes.js";
import { counted } from "./words.js";

const dialog = document.getElementById("dialog");
const slot = document.getElementById("dialog-body");

// What was only said to this one rendering is not said again by a reload.
if (/[?&](after|said)=/.test(location.search)) {
  const url = new URL(location.href);
  url.searchParams.delete("after");
  url.searchParams.delete("said");
  history.replaceState(history.state, "", url);
}

// A dialog shows the sheet of the page that its button leads to.
document.addEventListener("htmx:afterSwap", (event) => {
  const target = event.detail.target;
  if (!target.matches("[data-slot]")) return;
  const sheet = target.querySelector("#sheet");
  if (!sheet) return;
  if (target === slot && !dialog.open) dialog.showModal();
  (sheet.querySelector('[aria-invalid="true"]') ?? sheet.querySelector("#sheet-title")).focus();
  if ("refresh" in sheet.dataset) refresh();
});

document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) location.reload();
});

document.addEventListener("htmx:sendError", (event) => complain(event.detail.target));

/** Nobody answered: says so where the person is looking. */
function complain(where) {
  const place = dialog?.open ? slot.querySelector("#sheet") : (document.getElementById("pane-notice") ?? where);
  const line = document.createElement("p");
  line.className = "notice";
  line.role = "alert";
  line.textContent = document.body.dataset.offline;
  place.querySelector(":scope > .notice[role=alert]")?.remove();
  place.prepend(line);
}

dialog?.addEventListener("cancel", (event) => {
  if (slot.querySelector("[data-saving]")) event.preventDefault();
});

dialog?.addEventListener("close", () => {
  const reload = slot.querySelector("[data-reload]") !== null;
  slot.replaceChildren();
  if (reload) location.reload();
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
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target) || event.target.closest("a.item")) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  }
});

// What waited while someone was there goes in when they leave.
document.addEventListener("focusout", () => setTimeout(swap));
document.addEventListener("toggle", () => setTimeout(swap), true);

// Keeping a subscription: the panes of the page that answers replace the ones here.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-in-place]")) return;
  if (!document.getElementById("pane-summary")) return;
  event.preventDefault();
  const button = event.submitter ?? form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (answer.status === 401) return location.reload();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) return showSheet(page);
    if (dialog.open) dialog.close();
    take(page);
    say(page.querySelector(".notice.good")?.textContent.trim());
  } catch {
    complain(form);
  } finally {
    button.disabled = false;
  }
});

function showSheet(page) {
  const sheet = page.getElementById("sheet");
  if (!sheet) return location.reload();
  slot.replaceChildren(document.importNode(sheet, true));
  if (!dialog.open) dialog.showModal();
  slot.querySelector("#sheet-title").focus();
}

document.addEventListener("input", (event) => {
  const limit = Number(event.target.dataset.limit);
  if (!limit) return;
  const line = document.getElementById("comment-limit");
  const left = limit - [...event.target.value].length;
  line.textContent = counted(line.dataset.left, left);
  line.classList.toggle("error", left < 0);
});
