// The page with the provider's card fields. No card data reaches this script: it gets a token. Keeps nothing.
"use strict";
(() => {
  const LOAD_SECONDS = 8;
  const RESULT_SECONDS = 60;
  const page = document.getElementById("card");
  const { setup, script, ...opening } = page.dataset;
  const words = JSON.parse(page.dataset.words);
  const frame = globalThis.cardFrame(page);
  const stripe = globalThis.stripeCalls;
  const [form, holder, loading, problem, status, back, confirm] =
    ["form", "fields", "loading", "problem", "status", "back", "confirm"].map((id) => document.getElementById(id));
  const plurals = new Intl.PluralRules(document.documentElement.lang);
  let confirmText = confirm.textContent;
  let fields = null;
  let focused = false;
  let busy = false;
  /** Of the saved card: what the portal could not store yet is sent again. */
  let token = null;
  let waiting = null;

  function showProblem(code, retryAfter) {
    const known = words[code] ?? words.failed;
    const minutes = Math.max(1, Math.ceil((retryAfter || 60) / 60));
    problem.textContent = typeof known === "string" ? known : (known[plurals.select(minutes)] || known.other).replace("%(count)d", String(minutes));
    problem.dataset.code = code;
    problem.hidden = false;
  }

  function setBusy(is) {
    if (is) confirm.focus();
    busy = back.disabled = is;
    confirm.ariaDisabled = confirm.ariaBusy = String(is);
    confirm.textContent = is ? words.sending : confirmText;
    status.textContent = is ? words.sending : "";
  }

  function failed(code, retryAfter) {
    clearTimeout(waiting);
    waiting = null;
    setBusy(false);
    // The fields show what is wrong in them.
    if (code !== "card_invalid") showProblem(code, retryAfter);
    frame.send("error", { code });
    if (code === "card_invalid") fields.focus();
  }

  async function confirmed(event) {
    event.preventDefault();
    if (busy || !fields) return;
    problem.hidden = true;
    setBusy(true);
    frame.send("submitting");
    if (token === null) {
      const ended = stripe.watch(holder, (on) => frame.send("challenge", { on }));
      const saved = await fields.confirm().catch(() => ({ code: "failed" }));
      ended();
      if (saved.code) return failed(saved.code);
      token = saved.token;
    }
    waiting = setTimeout(() => failed("unknown"), RESULT_SECONDS * 1000);
    frame.send("token", { token });
  }

  async function result({ ok, code, retry_after: retryAfter }) {
    if (waiting === null) return;
    if (ok) {
      clearTimeout(waiting);
      confirm.ariaBusy = "false";
      status.textContent = confirm.textContent = words.done;
      return;
    }
    if (code === "due_changed") {
      try {
        confirmText = (await (await fetch(`/cards/${setup}/terms`, { credentials: "omit", cache: "no-store" })).json()).confirm;
      } catch {
        return failed("gone");
      }
    }
    failed(code in words ? code : "failed", retryAfter);
  }

  /** Our colours and forms for the fields. */
  function appearance() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      theme: "stripe",
      variables: {
        colorPrimary: colour("link"), colorBackground: colour("card"), colorText: colour("ink"), colorTextSecondary: colour("ink-2"),
        colorTextPlaceholder: colour("ink-2"), colorDanger: colour("bad"), borderRadius: "10px", fontSizeBase: "16px",
      },
      rules: { ".Input": { borderColor: colour("field"), boxShadow: "none" } },
    };
  }

  function focus() {
    focused = true;
    if (fields) fields.focus();
    else back.focus();
  }

  async function open() {
    const late = new Promise((_, reject) => { setTimeout(() => reject(new Error("late")), LOAD_SECONDS * 1000); });
    try {
      const shown = stripe.load(script).then((Stripe) => stripe.fields(Stripe, opening, holder, appearance));
      fields = await Promise.race([shown, late]);
    } catch {
      holder.hidden = true;
      return showProblem("not_loaded");
    } finally {
      loading.remove();
    }
    confirm.ariaDisabled = "false";
    if (focused && [back, document.body].includes(document.activeElement)) fields.focus();
  }

  if (!frame.framed) return showProblem("alone");
  frame.listen({ focus, result });
  form.addEventListener("submit", confirmed);
  back.addEventListener("click", () => frame.send("close"));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !busy) frame.send("close"); });
  back.disabled = confirm.disabled = false;
  frame.measure();
  frame.send("ready");
  open();
})();
