// The card frame's protocol: exactly these messages, with exactly these fields. All others are ignored.

const text = (pattern) => (value) => typeof value === "string" && pattern.test(value);

const SHAPES = {
  ready: {},
  height: { height: (value) => Number.isInteger(value) && value > 0 && value < 3000 },
  submitting: {},
  token: { token: text(/^[\w-]{1,100}$/), brand: text(/^[a-z]{1,20}$/), last4: text(/^\d{4}$/), exp: text(/^\d\d\/\d{4}$/) },
  close: {},
  error: { code: text(/^\w{1,60}$/) },
};

/** Whether this is a message of the protocol for this set-up. */
export function isMessage(data, setup) {
  if (typeof data !== "object" || data === null) return false;
  const { v, setup_id: about, type, ...fields } = data;
  const shape = typeof type === "string" && Object.hasOwn(SHAPES, type) ? Object.entries(SHAPES[type]) : null;
  return v === 1 && about === setup && shape !== null && shape.length === Object.keys(fields).length
    && shape.every(([name, fits]) => fits(fields[name]));
}
