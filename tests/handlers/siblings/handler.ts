// Every source is used before the fork too: what a generator keeps ready must not be served twice.
const used = [Math.random(), crypto.randomUUID(), crypto.getRandomValues(new Uint8Array(16))];

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export const handler = () => ({
  pid: used.length > 0 ? process.pid : 0,
  random: Math.random(),
  again: Math.random(),
  uuid: crypto.randomUUID(),
  values: hex(crypto.getRandomValues(new Uint8Array(16))),
});
