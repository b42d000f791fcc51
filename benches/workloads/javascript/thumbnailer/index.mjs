// Decodes a PNG, makes it smaller by averaging boxes, encodes it again. In JavaScript but for inflate and deflate, which are
// the web API's streams.
const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const CHANNELS = 3;

const through = async (bytes, stream) => new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

const crc = (bytes) => {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = CRC[(sum ^ byte) & 255] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
};

const paeth = (a, b, c) => {
  const [da, db, dc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  if (da <= db && da <= dc) return a;
  return db <= dc ? b : c;
};

const predicted = (filter, a, b, c) => {
  switch (filter) {
    case 1: return a;
    case 2: return b;
    case 3: return (a + b) >> 1;
    case 4: return paeth(a, b, c);
    default: return 0;
  }
};

const unfilter = (raw, width, height) => {
  const line = width * CHANNELS;
  const pixels = new Uint8Array(line * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (line + 1)];
    for (let x = 0; x < line; x++) {
      const at = y * line + x;
      const left = x >= CHANNELS ? pixels[at - CHANNELS] : 0;
      const up = y > 0 ? pixels[at - line] : 0;
      const corner = x >= CHANNELS && y > 0 ? pixels[at - line - CHANNELS] : 0;
      pixels[at] = raw[at + y + 1] + predicted(filter, left, up, corner);
    }
  }
  return pixels;
};

const decode = async (png) => {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  let [width, height] = [0, 0];
  const parts = [];
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    if (type === "IHDR") [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (type === "IDAT") parts.push(png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const raw = await through(new Uint8Array(await new Blob(parts).arrayBuffer()), new DecompressionStream("deflate"));
  return { width, height, pixels: unfilter(raw, width, height) };
};

const reduce = ({ width, height, pixels }, factor) => {
  const [small, low] = [Math.floor(width / factor), Math.floor(height / factor)];
  const sums = new Uint32Array(small * low * CHANNELS);
  for (let y = 0; y < low * factor; y++) {
    for (let x = 0; x < small * factor; x++) {
      const from = (y * width + x) * CHANNELS;
      const to = (Math.floor(y / factor) * small + Math.floor(x / factor)) * CHANNELS;
      for (let channel = 0; channel < CHANNELS; channel++) sums[to + channel] += pixels[from + channel];
    }
  }
  const box = factor * factor;
  return { width: small, height: low, pixels: Uint8Array.from(sums, (sum) => Math.floor((sum + box / 2) / box)) };
};

const chunk = (type, data) => {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let at = 0; at < 4; at++) bytes[4 + at] = type.charCodeAt(at);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc(bytes.subarray(4, 8 + data.length)));
  return bytes;
};

const encode = async ({ width, height, pixels }) => {
  const line = width * CHANNELS;
  const raw = new Uint8Array((line + 1) * height);
  for (let y = 0; y < height; y++) raw.set(pixels.subarray(y * line, (y + 1) * line), y * (line + 1) + 1);
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([8, 2, 0, 0, 0], 8);
  const data = await through(raw, new CompressionStream("deflate"));
  const parts = [Uint8Array.from(SIGNATURE), chunk("IHDR", head), chunk("IDAT", data), chunk("IEND", new Uint8Array(0))];
  return new Uint8Array(await new Blob(parts).arrayBuffer());
};

const mean = (pixels, channel) => {
  let sum = 0;
  for (let at = channel; at < pixels.length; at += CHANNELS) sum += pixels[at];
  return sum / (pixels.length / CHANNELS);
};

export const handler = async (event) => {
  const { image, factor } = event.body;
  const png = Uint8Array.from(atob(image), (character) => character.charCodeAt(0));
  const { width, height, pixels } = reduce(await decode(png), factor);
  const bytes = await encode({ width, height, pixels });
  const [red, green, blue] = [0, 1, 2].map((channel) => mean(pixels, channel));
  const thumbnail = btoa(String.fromCharCode(...bytes));
  return { statusCode: 200, body: JSON.stringify({ width, height, red, green, blue, bytes: bytes.length, thumbnail }) };
};
