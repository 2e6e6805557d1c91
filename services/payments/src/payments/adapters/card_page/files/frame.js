// Messages between a page in the frame and the portal around it: docs/card-frame.md describes them.
"use strict";
globalThis.cardFrame = (page) => {
  const { setup, portal } = page.dataset;
  const framed = window.parent !== window;
  const send = (type, more) => window.parent.postMessage({ v: 1, setup_id: setup, type, ...more }, portal);

  /** Calls the function of the message's type for each valid message of the portal. */
  function listen(functions) {
    window.addEventListener("message", (event) => {
      if (event.source !== window.parent || event.origin !== portal || !isMessage(event.data)) return;
      functions[event.data.type]?.(event.data);
    });
  }

  /** Whether the message has exactly the protocol's fields and is about this set-up. */
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

  /** Reports the height of the page from now on. */
  function measure() {
    const sendHeight = () => send("height", { height: Math.ceil(page.getBoundingClientRect().height) });
    new ResizeObserver(sendHeight).observe(page);
    sendHeight();
  }

  // A page that Back or Forward restores starts empty.
  window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });
  return { framed, send, listen, measure };
};
