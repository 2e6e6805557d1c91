// All calls to Stripe.js. A test compares them with the types that Stripe publishes.
"use strict";

/**
 * @typedef {{ key: string, secret: string, locale: import("@stripe/stripe-js").StripeElementLocale }} Opening
 * @typedef {{ token: string, code?: undefined } | { token?: undefined, code: string }} Saved
 */
globalThis.stripeCalls = {
  /**
   * Loads Stripe's script. Rejects if it cannot be loaded.
   * @param {string} address
   * @returns {Promise<import("@stripe/stripe-js").StripeConstructor>}
   */
  load(address) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.addEventListener("load", () => (window.Stripe ? resolve(window.Stripe) : reject(new Error("not Stripe's script"))));
      script.addEventListener("error", () => reject(new Error("not loaded")));
      script.src = address;
      document.head.append(script);
    });
  },

  /**
   * Shows Stripe's card fields. Resolves when they can be used; rejects if they cannot be shown.
   * @param {import("@stripe/stripe-js").StripeConstructor} Stripe
   * @param {Opening} opening
   * @param {HTMLElement} holder
   * @param {() => import("@stripe/stripe-js").Appearance} appearance
   */
  async fields(Stripe, { key, secret, locale }, holder, appearance) {
    const stripe = Stripe(key, { locale });
    const elements = stripe.elements({ clientSecret: secret, locale, appearance: appearance() });
    const element = elements.create("payment", {
      layout: "tabs", wallets: { applePay: "never", googlePay: "never", link: "never" },
    });
    await new Promise((resolve, reject) => {
      element.on("ready", resolve);
      element.on("loaderror", reject);
      element.mount(holder);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => elements.update({ appearance: appearance() }));
    return {
      focus: () => element.focus(),
      /** @returns {Promise<Saved>} */
      async confirm() {
        const { error, setupIntent } = await stripe.confirmSetup({ elements, redirect: "if_required" });
        return error ? { code: this.codeOf(error) } : { token: setupIntent.id };
      },
      /** Our code for Stripe's error. @param {import("@stripe/stripe-js").StripeError} error */
      codeOf({ type, code, decline_code: declined }) {
        if (type === "validation_error") return "card_invalid";
        if (code === "setup_intent_authentication_failure") return "authentication_failed";
        if (code === "setup_intent_unexpected_state") return "setup_gone";
        if (type !== "card_error") return "failed";
        if (declined === "insufficient_funds") return "insufficient_funds";
        if (code === "incorrect_cvc" || code === "invalid_cvc") return "incorrect_cvc";
        return code === "expired_card" ? "expired_card" : "card_declined";
      },
    };
  },

  /**
   * Opens the bank's window for a charge. Resolves when it is closed, whatever its outcome: the service reads that from Stripe.
   * @param {import("@stripe/stripe-js").StripeConstructor} Stripe
   * @param {Opening} opening
   */
  async handleNextAction(Stripe, { key, secret, locale }) {
    await Stripe(key, { locale }).handleNextAction({ clientSecret: secret });
  },

  /**
   * Reports whether a window of the bank is shown, until the returned function is called. Stripe.js announces none of its
   * windows: a visible frame outside of the fields is one.
   * @param {HTMLElement} holder
   * @param {(on: boolean) => void} report
   */
  watch(holder, report) {
    let shown = false;
    const look = () => {
      const is = [...document.querySelectorAll("iframe")].some((frame) => {
        const { width, height } = frame.getBoundingClientRect();
        return !holder.contains(frame) && width >= 100 && height >= 100 && frame.checkVisibility({ visibilityProperty: true });
      });
      if (is !== shown) report(shown = is);
    };
    const changes = new MutationObserver(look);
    changes.observe(document.body, { childList: true, subtree: true, attributes: true });
    return () => {
      changes.disconnect();
      if (shown) report(shown = false);
    };
  },
};
