// A sheet around a frame of the card page's origin: shows it, receives its messages, and explains its failures.
import { isMessage } from "./frame.js";

const READY_MS = 8000;
/** How long a bank may ask in all, until the sheet gives up. */
const CHALLENGE_MS = 10 * 60 * 1000;

export class FramedSheet {
  /** `heard`: for each state, the method that handles a type of message. Other messages are ignored in that state. */
  constructor(sheet, heard) {
    this.sheet = sheet;
    this.heard = heard;
    this.origin = sheet.dataset.cardsOrigin;
    this.words = sheet.querySelector("[data-words]").dataset;
    this.holder = sheet.querySelector("[data-frame]");
    this.back = sheet.querySelector("[data-fallback] [data-close]");
    this.receive = (event) => this.hear(event);
    addEventListener("message", this.receive);
  }

  /** Whether the address belongs to the card page's origin; only then it is shown. */
  load(url, setup) {
    if (new URL(url).origin !== this.origin) return false;
    this.setup = setup;
    this.frame = Object.assign(document.createElement("iframe"), { src: url, title: this.holder.dataset.title });
    this.frame.tabIndex = 0;
    this.holder.append(this.frame);
    this.timer = setTimeout(() => this.fail("noAnswer"), READY_MS);
    return true;
  }

  hear(event) {
    if (!this.sheet.isConnected) return removeEventListener("message", this.receive);
    if (!this.frame || event.origin !== this.origin || event.source !== this.frame.contentWindow) return undefined;
    if (!isMessage(event.data, this.setup)) return undefined;
    const act = this.heard[this.state][event.data.type];
    return act ? this[act](event.data) : undefined;
  }

  tell(type, more) {
    this.frame?.contentWindow?.postMessage({ v: 1, setup_id: this.setup, type, ...more }, this.origin);
  }

  ready() {
    this.atRest();
    this.show({});
    this.frame.focus();
    this.tell("focus");
  }

  resize({ height }) {
    this.frame.height = String(height);
  }

  erred({ code }) {
    this.atRest();
    if (code === "gone" || code === "setup_gone") this.fail("expired");
  }

  /** The bank asks the customer, in as much room as it needs; `after` is the state when it has its answer. The time for all
      questions of one confirmation is limited. */
  ask(on, after, afterMs) {
    clearTimeout(this.timer);
    this.state = on ? "challenging" : after;
    this.sheet.dataset.busy = "yes";
    this.sheet.toggleAttribute("data-challenge", on);
    this.askedUntil ??= Date.now() + CHALLENGE_MS;
    this.timer = setTimeout(() => this.fail("noAnswer"), on ? this.askedUntil - Date.now() : afterMs);
  }

  /** Nothing is under way: the dialog can be closed. */
  atRest() {
    clearTimeout(this.timer);
    this.state = "typing";
    this.askedUntil = undefined;
    delete this.sheet.dataset.busy;
    this.sheet.removeAttribute("data-challenge");
  }

  close() {
    const dialog = this.sheet.closest("dialog");
    if (dialog) dialog.close();
    else location.assign(this.back.dataset.close);
  }

  /** Explains why the frame is gone, and offers to start `again` or to go back. `code` names the sentence. */
  fail(code, { again = true, sentence = this.words[code] } = {}) {
    this.atRest();
    this.show({ fallback: true });
    this.problem(code, sentence, { warns: !again });
    const retry = this.sheet.querySelector("[data-retry]");
    retry.hidden = !again;
    (again ? retry : this.back).focus();
  }

  problem(code, sentence, { warns }) {
    const line = this.sheet.querySelector("[data-problem]");
    line.dataset.problem = code;
    line.textContent = sentence;
    line.classList.toggle("warn", warns);
    line.hidden = false;
  }

  show({ wait = false, fallback = false }) {
    if (wait || fallback) {
      this.holder.replaceChildren();
      this.frame = null;
    }
    this.sheet.querySelector("[data-problem]").hidden = true;
    this.sheet.querySelector("[data-wait]").hidden = !wait;
    this.sheet.querySelector("[data-fallback]").hidden = !fallback;
    this.holder.ariaBusy = String(wait);
    this.holder.hidden = fallback;
  }
}

// A dialog can prevent its closing by Escape only once.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.querySelector("[data-busy]")) event.preventDefault();
});
