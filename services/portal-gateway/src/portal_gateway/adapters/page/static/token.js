// Finds a link's token in an address as mail programs deliver it. LinkToken.read (domain/tokens.py) does the same; one table
// of test cases covers both.

const BREAK = "=?[\\s>]*";
const HEX = (length) => Array(length).fill("[0-9a-f]");
const ID = [...HEX(8), ...[4, 4, 4, 12].flatMap((length) => ["-", ...HEX(length)])].join(BREAK);
const SECRET = Array(43).fill("[A-Za-z0-9_-]").join(BREAK);
const TOKEN = new RegExp(`(?:^|[^0-9A-Za-z]|=3D)(${ID}${BREAK}\\.${BREAK}${SECRET})(?![0-9A-Za-z])`);
const ENTITIES = {
  amp: "&", num: "#", period: ".", lowbar: "_", lt: "<", gt: ">", nbsp: " ", shy: "", zwnj: "", zwj: "", ZeroWidthSpace: "", NoBreak: "",
};
const REWRITTEN = 3;
const LONGEST = 8000;

function character(whole, code) {
  const point = code[0] === "x" || code[0] === "X" ? parseInt(code.slice(1), 16) : Number(code);
  return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : whole;
}

const unescaped = (text) => text
  .replace(/&#([0-9]{1,7}|[xX][0-9A-Fa-f]{1,6});/g, character)
  .replace(/&([A-Za-z]+);/g, (whole, name) => ENTITIES[name] ?? whole)
  .replace(/<\/?wbr *\/?>/gi, "");

const decoded = (text) => text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (encoded) => {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
});

/** The text, and the text before each encoding by mail programs; all without invisible characters. */
function forms(text) {
  const found = [];
  let form = text;
  for (let round = 0; round < REWRITTEN; round += 1) {
    form = unescaped(form);
    found.push(form);
    if (form.includes("urldefense.proofpoint.com/v2")) found.push(decoded(form.replace(/-(?=[0-9A-F]{2})/g, "%")));
    form = decoded(form);
  }
  return [...found, form].map((each) => each.replace(/\p{Cf}/gu, ""));
}

/** The token in the text, or null. */
export function tokenIn(text) {
  if (text.length > LONGEST || text.includes("\0")) return null;
  for (const form of forms(text)) {
    const found = TOKEN.exec(form);
    if (found) return found[1].replace(/[=\s>]/g, "");
  }
  return null;
}

/** Whether the address is a single-use link, which waits for a click. */
export function waits(text) {
  return forms(text).some((form) => /[?&]continue(?![0-9A-Za-z])/.test(form));
}
