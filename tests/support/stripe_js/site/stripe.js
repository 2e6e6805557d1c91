// A stand-in for https://js.stripe.com/dahlia/stripe.js: the calls that the card page makes. As there, the card fields and the
// bank's windows are frames of Stripe's origin, and only they see what is typed.
"use strict";
(() => {
  const ORIGIN = new URL(/** @type {HTMLScriptElement} */ (document.currentScript).src).origin;

  function frame(path, holder) {
    const element = document.createElement("iframe");
    element.src = ORIGIN + path;
    element.title = path;
    element.style.cssText = "border: 0; width: 100%; height: 100%; display: block";
    holder.append(element);
    return element;
  }

  /** The next message of this type from the frame. */
  const next = (element, type) => new Promise((resolve) => {
    addEventListener("message", function hear({ origin, source, data }) {
      if (origin !== ORIGIN || source !== element.contentWindow || data.type !== type) return;
      removeEventListener("message", hear);
      resolve(data);
    });
  });

  // Stripe.js draws the bank's window over the whole page.
  async function challenge() {
    const layer = document.createElement("div");
    layer.style.cssText = "position: fixed; inset: 0; background: white";
    document.body.append(layer);
    const { status } = await next(frame("/challenge", layer), "answered");
    layer.remove();
    return status;
  }

  const refusal = (code, more = {}) => ({ error: { type: "card_error", code, message: "", ...more } });
  const results = {
    declined: refusal("card_declined", { decline_code: "generic_decline" }),
    poor: refusal("card_declined", { decline_code: "insufficient_funds" }),
    invalid: { error: { type: "validation_error", code: "incomplete_number", message: "" } },
    failed: refusal("setup_intent_authentication_failure", { type: "invalid_request_error" }),
  };

  /** @type {Partial<Record<keyof import("@stripe/stripe-js").StripePaymentElement, any>>} */
  const element = {};
  const create = (key, { locale }) => {
    if (!key.startsWith("pk_")) throw new Error("a publishable key is needed");
    /** @type {Partial<Record<keyof import("@stripe/stripe-js").Stripe, any>>} */
    const stripe = {
      elements: ({ clientSecret, appearance }) => {
        /** @type {any} */
        const shown = {};
        return {
          clientSecret,
          shown,
          update: (options) => { Object.assign(appearance, options.appearance); },
          create(type, { layout, wallets }) {
            if (type !== "payment" || layout !== "tabs") throw new Error("another element");
            if (Object.values(wallets).some((shows) => shows !== "never")) throw new Error("a wallet");
            /** @type {any} */
            const heard = {};
            return Object.assign(element, {
              on(name, act) { heard[name] = act; return element; },
              focus() { shown.frame.contentWindow.postMessage({ type: "focus" }, ORIGIN); },
              mount(holder) {
                const size = document.createElement("div");
                size.style.height = "200px";
                holder.append(size);
                shown.frame = frame(`/fields#${new URLSearchParams({ locale, colour: appearance.variables.colorText })}`, size);
                next(shown.frame, "ready").then(() => heard.ready?.({}));
              },
            });
          },
        };
      },
      async confirmSetup({ elements, redirect }) {
        if (redirect !== "if_required") throw new Error("leaves the page");
        elements.shown.frame.contentWindow.postMessage({ type: "confirm" }, ORIGIN);
        let { status } = await next(elements.shown.frame, "confirmed");
        if (status === "requires_action") status = await challenge();
        const [id] = elements.clientSecret.split("_secret_");
        return results[status] ?? { setupIntent: { id, status: "succeeded" } };
      },
      async handleNextAction({ clientSecret }) {
        const status = await challenge();
        const [id] = clientSecret.split("_secret_");
        return status === "succeeded" ? { paymentIntent: { id, status } } : refusal("payment_intent_authentication_failure");
      },
    };
    return stripe;
  };
  window.Stripe = /** @type {any} */ (create);
})();
