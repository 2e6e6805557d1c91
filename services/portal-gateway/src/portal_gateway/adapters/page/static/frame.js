// The card frame's protocol: exactly these messages, with exactly these fields. All others are ignored. docs/card-frame.md

const text = (pattern) => (value) => typeof value === "string" && pattern.test(value);
const TOKEN = { token: text(/^[\w-]{1,100}$/) };

/** The forms of each message. The provider's fields do not reveal the card to the frame, so their token comes alone. */
const SHAPES = {
  ready: [{}],
  height: [{ height: (value) => Number.isInteger(value) && value > 0 && value < 3000 }],
  submitting: [{}],
  challenge: [{ on: (value) => typeof value === "boolean" }],
  token: [TOKEN, { ...TOKEN, brand: text(/^[a-z]{1,20}$/), last4: text(/^\d{4}$/), exp: text(/^\d\d\/\d{4}$/) }],
  done: [{}],
  close: [{}],
  error: [{ code: text(/^\w{1,60}$/) }],
};

/** Whether this is a message of the protocol for this set-up. */
export function isMessage(data, setup) {
  if (typeof data !== "object" || data === null) return false;
  const { v, setup_id: about, type, ...fields } = data;
  const shapes = typeof type === "string" && Object.hasOwn(SHAPES, type) ? SHAPES[type] : [];
  const fits = (shape) => Object.keys(shape).length === Object.keys(fields).length
    && Object.entries(shape).every(([name, check]) => check(fields[name]));
  return v === 1 && about === setup && shapes.some(fits);
}
