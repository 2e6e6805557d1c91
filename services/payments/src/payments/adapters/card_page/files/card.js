// The card fields, and the frame's side of the talk with the portal. Keeps nothing: no cookie, no storage.
"use strict";
(() => {
  const page = document.getElementById("card");
  const { setup, portal, month } = page.dataset;
  const words = JSON.parse(page.dataset.words);
  const numbers = page.dataset.numbers ? page.dataset.numbers.split(" ") : null;
  const form = page.querySelector("form");
  const fields = page.querySelector("fieldset");
  const [number, exp, cvc, problem, status, back, confirm, sample, brands] =
    ["number", "exp", "cvc", "problem", "status", "back", "confirm", "sample", "brands"].map((id) => document.getElementById(id));
  const inputs = { number, exp, cvc };
  const ANSWER_SECONDS = 15;
  const RESULT_SECONDS = 60;
  /** The field that a refusal is about. */
  const REFUSED = { card_declined: "number", insufficient_funds: "number", expired_card: "number", incorrect_cvc: "cvc" };
  let waiting = null;
  let blocking = null;
  let pressing = false;
  let expBefore = "";
  let confirmText = confirm.textContent;

  const send = (type, more) => window.parent.postMessage({ v: 1, setup_id: setup, type, ...more }, portal);

  // A sentence for each plural category of the language.
  const plurals = new Intl.PluralRules(document.documentElement.lang);
  const counted = (texts, count) => (texts[plurals.select(count)] || texts.other).replace("%(count)d", String(count));

  // What is typed
  const { brand, digits, expiry } = globalThis.cardFields;
  const isAmex = (text) => brand(text) === "amex";

  function luhn(text) {
    let sum = 0;
    [...text].reverse().forEach((character, place) => {
      const value = Number(character) * (place % 2 ? 2 : 1);
      sum += value > 9 ? value - 9 : value;
    });
    return sum % 10 === 0;
  }

  function numberMistake() {
    const text = digits(number.value);
    if (!text) return "number_missing";
    if (!/^[0-9]+$/.test(text)) return "number_wrong";
    if (text.length < 13 || text.length > 19) return "number_length";
    if (!luhn(text)) return "number_wrong";
    return numbers && !numbers.includes(text) ? "test_numbers_only" : null;
  }

  function expiryMistake() {
    if (!exp.value.trim()) return "exp_missing";
    const found = expiry(exp.value, month);
    if (!found || Number(found.slice(0, 4)) > Number(month.slice(0, 4)) + 20) return "exp_wrong";
    return found < month ? "exp_past" : null;
  }

  function codeMistake() {
    const amex = isAmex(digits(number.value));
    const text = digits(cvc.value);
    if (!text) return "cvc_missing";
    if (/^[0-9]+$/.test(text) && text.length === (amex ? 4 : 3)) return null;
    return amex ? "cvc_length_amex" : "cvc_length";
  }

  const mistakes = { number: numberMistake, exp: expiryMistake, cvc: codeMistake };

  // What is said
  function showMistake(name, code) {
    const input = inputs[name];
    const line = document.getElementById(`${name}-error`);
    line.hidden = !code;
    line.dataset.code = code || "";
    line.textContent = code ? words[code] || words.failed : "";
    if (code) {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", line.id);
    } else {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    }
  }

  function showProblem(code, retryAfter) {
    problem.hidden = !code;
    problem.dataset.code = code || "";
    problem.removeAttribute("aria-live");
    const text = code ? words[code] || words.failed : "";
    problem.textContent = typeof text === "string" ? text : counted(text, Math.max(1, Math.ceil((retryAfter || 60) / 60)));
  }

  // Counts down until another card can be tried. Only the first sentence is announced.
  function block(seconds) {
    const until = Date.now() + seconds * 1000;
    clearInterval(blocking);
    confirm.ariaDisabled = "true";
    blocking = setInterval(() => {
      const left = Math.ceil((until - Date.now()) / 1000);
      problem.ariaLive = "off";
      if (left > 0) {
        problem.textContent = counted(words.too_many_declines, Math.ceil(left / 60));
        return;
      }
      clearInterval(blocking);
      blocking = null;
      confirm.ariaDisabled = "false";
      showProblem(null);
    }, 1000);
  }

  function busy(is) {
    // The button stays where the focus can be: a disabled one would lose it.
    if (is) confirm.focus();
    fields.disabled = back.disabled = is;
    if (sample) sample.disabled = is;
    confirm.ariaDisabled = confirm.ariaBusy = String(is);
    confirm.textContent = is ? words.sending : confirmText;
    status.textContent = is ? words.sending : "";
  }

  function firstWrong() {
    const wrong = Object.values(inputs).find((input) => input.getAttribute("aria-invalid"));
    (wrong || number).focus();
  }

  function failed(code, retryAfter) {
    clearTimeout(waiting);
    waiting = null;
    busy(false);
    if (code === "incorrect_cvc") cvc.value = "";
    if (REFUSED[code]) showMistake(REFUSED[code], code);
    else showProblem(code, retryAfter);
    if (code === "too_many_declines") block(retryAfter || 60);
    send("error", { code });
    firstWrong();
    if (REFUSED[code] === "number") number.select();
  }

  function showBrand() {
    brands.dataset.brand = brand(digits(number.value));
  }

  function groupNumber() {
    showBrand();
    if (number.selectionStart !== number.value.length) return;
    const text = digits(number.value);
    if (!/^[0-9]*$/.test(text)) return;
    const groups = isAmex(text) ? /^(.{1,4})(.{1,6})?(.{1,5})?(.*)$/.exec(text)?.slice(1).filter(Boolean) : text.match(/.{1,4}/g);
    number.value = (groups || []).join(" ");
    cvc.placeholder = isAmex(text) ? words.cvc_four : words.cvc_three;
  }

  // A date that comes at once, pasted or filled in, is shown as it was read.
  function slashExpiry(event) {
    const typed = exp.value.length - expBefore.length <= 1;
    if (event.inputType && event.inputType.startsWith("delete")) return;
    const found = !typed && !/^[0-9]{1,5}$/.test(exp.value) && expiry(exp.value, month);
    if (found) {
      exp.value = `${found.slice(5)} / ${found.slice(2, 4)}`;
      return;
    }
    // Whoever types the slash, or a space, that is there already means it.
    exp.value = exp.value.replace(/^([0-9]{2}) \/ [\s/-]+/, "$1 / ").replace(/^([0-9])[\s/-]+$/, "0$1 / ");
    if (/^[2-9]$/.test(exp.value)) exp.value = `0${exp.value} / `;
    else if (/^[0-9]{2}$/.test(exp.value)) exp.value = `${exp.value} / `;
    else if (/^[0-9]{4}$/.test(exp.value)) exp.value = `${exp.value.slice(0, 2)} / ${exp.value.slice(2)}`;
  }

  function shortenCode() {
    const text = digits(cvc.value);
    if (/^[0-9]{5,}$/.test(text)) cvc.value = text.slice(0, 4);
  }

  // What is sent
  async function confirmed(event) {
    event.preventDefault();
    if (fields.disabled || blocking !== null) return;
    showProblem(null);
    const found = Object.entries(mistakes).map(([name, mistake]) => [name, mistake()]);
    found.forEach(([name, code]) => showMistake(name, code));
    if (found.some(([, code]) => code)) return firstWrong();
    const body = JSON.stringify({ number: number.value, exp: exp.value, cvc: cvc.value });
    busy(true);
    send("submitting");
    let answer, told;
    try {
      answer = await fetch(`/cards/${setup}/token`, {
        method: "POST", body, headers: { "content-type": "application/json" }, credentials: "omit", cache: "no-store",
        signal: AbortSignal.timeout(ANSWER_SECONDS * 1000),
      });
      told = await answer.json();
    } catch {
      return failed("failed");
    }
    if (answer.ok) {
      if (told.challenge && !await approved(told)) return failed("authentication_failed");
      waiting = setTimeout(() => failed("unknown"), RESULT_SECONDS * 1000);
      return send("token", { token: told.token, brand: told.brand, last4: told.last4, exp: told.exp });
    }
    for (const { pointer, code } of told.errors || []) {
      if (pointer.slice(1) in inputs) showMistake(pointer.slice(1), code);
    }
    if ((told.errors || []).length) {
      busy(false);
      send("error", { code: told.code });
      return firstWrong();
    }
    failed(told.code in words ? told.code : answer.status === 404 ? "gone" : "failed", told.retry_after);
  }

  // The sandbox's bank asks here. A provider's own script shows the questions of real banks.
  async function approved({ token, challenge }) {
    Object.assign(words, { authentication_failed: challenge.words.authentication_failed });
    send("challenge", { on: true });
    try {
      const { ask } = await import(challenge.script);
      const question = ask(page, challenge.words);
      form.hidden = true;
      const answer = await question.answered;
      const sent = answer !== "close" && await fetch(`/cards/${setup}/token/answer`, {
        method: "POST", body: JSON.stringify({ answer, secret: token }), headers: { "content-type": "application/json" },
        credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(ANSWER_SECONDS * 1000),
      });
      question.remove();
      return Boolean(sent?.ok) && answer === "approve";
    } catch {
      return false;
    } finally {
      form.hidden = false;
      send("challenge", { on: false });
    }
  }

  async function result(message) {
    if (message.ok === true) {
      clearTimeout(waiting);
      form.reset();
      confirm.ariaBusy = "false";
      status.textContent = words.done;
      confirm.textContent = words.done;
      return;
    }
    if (message.code === "due_changed") {
      try {
        const terms = await (await fetch(`/cards/${setup}/terms`, { credentials: "omit", cache: "no-store" })).json();
        confirmText = terms.confirm;
      } catch {
        return failed("gone");
      }
    }
    failed(message.code in words ? message.code : "failed", message.retry_after);
  }

  function heard(event) {
    if (event.source !== window.parent || event.origin !== portal || !isMessage(event.data)) return;
    if (event.data.type === "focus") firstWrong();
    if (event.data.type === "result" && waiting !== null) result(event.data);
  }

  // Whether the portal may say this: exactly these fields, about this set-up.
  function isMessage(data) {
    if (typeof data !== "object" || data === null) return false;
    const { v, setup_id: about, type, ...fields } = data;
    if (v !== 1 || about !== setup) return false;
    const names = Object.keys(fields).sort().join();
    if (type === "focus") return names === "";
    if (type !== "result") return false;
    if (fields.ok === true) return names === "ok";
    return fields.ok === false && names === "code,ok,retry_after"
      && typeof fields.code === "string" && fields.code.length <= 60 && Number.isFinite(fields.retry_after);
  }

  if (window.parent === window) {
    showProblem("alone");
    return;
  }
  window.addEventListener("message", heard);
  form.addEventListener("submit", confirmed);
  back.addEventListener("click", () => send("close"));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !back.disabled) send("close"); });
  // A page brought back by Back or Forward starts empty.
  window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });
  number.addEventListener("input", groupNumber);
  if (sample) sample.addEventListener("click", () => {
    number.value = sample.value;
    number.dispatchEvent(new Event("input"));
    exp.focus();
  });
  exp.addEventListener("input", (event) => {
    slashExpiry(event);
    expBefore = exp.value;
  });
  cvc.addEventListener("input", shortenCode);
  Object.entries(inputs).forEach(([name, input]) => {
    input.addEventListener("input", () => showMistake(name, null));
    // The bank's refusal of a value stays until the value changes.
    const isRefused = () => document.getElementById(`${name}-error`).dataset.code in REFUSED;
    input.addEventListener("blur", () => { if (input.value.trim() && !pressing && !isRefused()) showMistake(name, mistakes[name]()); });
  });
  // A line that appears while a button is being pressed would move the button from under the finger.
  form.querySelector(".actions").addEventListener("pointerdown", () => { pressing = true; });
  window.addEventListener("pointerup", () => { pressing = false; });
  window.addEventListener("pointercancel", () => { pressing = false; });
  const sendHeight = () => send("height", { height: Math.ceil(page.getBoundingClientRect().height) });
  new ResizeObserver(sendHeight).observe(page);
  form.reset();
  showBrand();
  fields.disabled = back.disabled = confirm.disabled = false;
  if (sample) sample.disabled = false;
  // At once: what is not shown yet is not observed, and would grow under the hands of whoever is quick.
  sendHeight();
  send("ready");
})();
