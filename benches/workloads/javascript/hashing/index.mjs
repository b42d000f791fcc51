// A chain of SHA-256 over data that is made by seed; the digest itself is the engine's native one.
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

const BLOCK = 1024;

const data = (length, seed) => {
  const block = new Uint8Array(BLOCK);
  let state = seed >>> 0;
  for (let at = 0; at < BLOCK; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    block[at] = state >>> 24;
  }
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += BLOCK) bytes.set(block, at);
  return bytes;
};

export const handler = async (event) => {
  const { bytes, rounds, seed } = event.body;
  // The digest before stands in front of the data.
  const all = new Uint8Array(32 + bytes);
  all.set(data(bytes, seed), 32);
  for (let round = 0; round < rounds; round++) {
    all.set(new Uint8Array(await crypto.subtle.digest("SHA-256", all)));
  }
  return { statusCode: 200, body: JSON.stringify({ sha256: hex(all.subarray(0, 32)) }) };
};
