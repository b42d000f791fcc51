import { PhotonImage, resize, SamplingFilter } from "@cf-wasm/photon/node";

import { headOf } from "./head";
import { type Part, shrink } from "./shrink";
import { decodeWebp, encodeWebp } from "./webp";

const env = process.env as Record<string, string>;
const KINDS = ["png", "jpeg", "webp"];
const FITS = ["contain", "cover", "fill"];
const mostSize = Number(env.MAX_SIZE);
const mostPixels = Number(env.MAX_PIXELS);

class Refusal extends Error {
  constructor(readonly statusCode: number, readonly code: string, message: string) {
    super(message);
  }
}

function number(options: any, name: string, most: number): number | undefined {
  const value = options[name];
  if (value === undefined || value === null) return undefined;
  if (!/^\d{1,9}$/.test(String(value)) || Number(value) < 1 || Number(value) > most) {
    throw new Refusal(400, "bad_option", `\`${name}\` must be a whole number from 1 to ${most}`);
  }
  return Number(value);
}

function choice(options: any, name: string, choices: string[], otherwise: string): string {
  const value = options[name] ?? otherwise;
  if (!choices.includes(value)) throw new Refusal(400, "bad_option", `\`${name}\` must be one of ${choices.join(", ")}`);
  return value;
}

// The part of the image that is taken, and the size that it gets.
function plan(from: { width: number; height: number }, fit: string, wide?: number, high?: number) {
  let width = wide ?? Math.max(1, Math.round((from.width * high!) / from.height));
  let height = high ?? Math.max(1, Math.round((from.height * width) / from.width));
  if (Math.max(width, height) > mostSize) throw new Refusal(400, "bad_option", `The image would be ${width} x ${height}; ${mostSize} is the most`);
  const part = { left: 0, top: 0, ...from };
  if (fit === "contain") {
    const scale = Math.min(width / from.width, height / from.height);
    width = Math.max(1, Math.round(from.width * scale));
    height = Math.max(1, Math.round(from.height * scale));
  } else if (fit === "cover") {
    const scale = Math.max(width / from.width, height / from.height);
    part.width = Math.min(from.width, Math.max(1, Math.round(width / scale)));
    part.height = Math.min(from.height, Math.max(1, Math.round(height / scale)));
    part.left = Math.floor((from.width - part.width) / 2);
    part.top = Math.floor((from.height - part.height) / 2);
  }
  return { width, height, part };
}

// All pixels, with red, green, blue and opacity.
function decoded(bytes: Uint8Array, kind: string): Uint8Array | Uint8ClampedArray {
  try {
    if (kind === "webp") return decodeWebp(bytes).data;
    const image = PhotonImage.new_from_byteslice(bytes);
    const pixels = image.get_raw_pixels();
    image.free();
    return pixels;
  } catch {
    throw damaged();
  }
}

const damaged = () => new Refusal(422, "damaged", "The image is damaged: it cannot be decoded");

// The part of the pixels in its new size; `lies` tells that both are yet to be turned. Most of the work is to make pixels fewer.
function sized(pixels: Uint8Array | Uint8ClampedArray, stride: number, part: Part, width: number, height: number, lies: boolean): PhotonImage {
  if (lies) {
    part = { left: part.top, top: part.left, width: part.height, height: part.width };
    [width, height] = [height, width];
  }
  const [fewer, lower] = [Math.min(width, part.width), Math.min(height, part.height)];
  const small = new PhotonImage(shrink(pixels, stride, part, fewer, lower), fewer, lower);
  if (fewer === width && lower === height) return small;
  const large = resize(small, width, height, SamplingFilter.Lanczos3);
  small.free();
  return large;
}

// Turned and mirrored as EXIF says: the values 5 to 8 lie on their side.
function turned(image: PhotonImage, orientation: number): PhotonImage {
  const [wide, high] = [image.get_width(), image.get_height()];
  const [width, height] = orientation > 4 ? [high, wide] : [wide, high];
  const from = new Uint32Array(image.get_raw_pixels().slice().buffer);
  const to = new Uint32Array(from.length);
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [across, down] = orientation > 4 ? [y, x] : [x, y];
      to[y * width + x] = from[(fromBottom ? high - 1 - down : down) * wide + (fromRight ? wide - 1 - across : across)];
    }
  }
  return new PhotonImage(new Uint8Array(to.buffer), width, height);
}

function onWhite(image: PhotonImage): PhotonImage {
  const pixels = image.get_raw_pixels();
  for (let at = 0; at < pixels.length; at += 4) {
    const alpha = pixels[at + 3];
    for (let channel = at; channel < at + 3; channel++) pixels[channel] = Math.round((pixels[channel] * alpha + 255 * (255 - alpha)) / 255);
    pixels[at + 3] = 255;
  }
  return new PhotonImage(pixels, image.get_width(), image.get_height());
}

function made(bytes: Uint8Array, options: any) {
  const [wide, high] = [number(options, "width", mostSize), number(options, "height", mostSize)];
  if (wide === undefined && high === undefined) throw new Refusal(400, "bad_option", "`width` or `height` must be given");
  const fit = choice(options, "fit", FITS, "contain");
  const asked = choice(options, "format", ["same", ...KINDS], env.FORMAT);
  const quality = number(options, "quality", 100) ?? Number(env.QUALITY);
  const head = headOf(bytes);
  if (!head) throw new Refusal(415, "unknown_format", "The image is neither PNG, JPEG nor WebP, or its head is damaged");
  if (head.width * head.height > mostPixels) {
    throw new Refusal(413, "too_many_pixels", `The image has ${head.width} x ${head.height} pixels; ${mostPixels} are the most`);
  }
  if (head.width === 0 || head.height === 0) throw damaged();
  const orientation = head.orientation ?? 1;
  const [seenWide, seenHigh] = orientation > 4 ? [head.height, head.width] : [head.width, head.height];
  const { width, height, part } = plan({ width: seenWide, height: seenHigh }, fit, wide, high);
  let image = sized(decoded(bytes, head.kind), head.width, part, width, height, orientation > 4);
  const become = (next: PhotonImage) => (image.free(), (image = next));
  if (orientation > 1) become(turned(image, orientation));
  const kind = asked === "same" ? head.kind : asked;
  if (kind === "jpeg") become(onWhite(image));
  const webp = () => encodeWebp(image.get_raw_pixels(), width, height, quality);
  const out = kind === "png" ? image.get_bytes() : kind === "jpeg" ? image.get_bytes_jpeg(quality) : webp();
  image.free();
  return { out, kind, width, height };
}

function decodedBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  } catch {
    throw new Refusal(400, "bad_request", "`image` must be base64");
  }
}

function encode(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

export const handler = async (event: any) => {
  try {
    const isHttp = event.requestContext !== undefined;
    const options = (isHttp ? event.queryStringParameters : event.body) ?? {};
    if (!isHttp && typeof options.image !== "string") throw new Refusal(400, "bad_request", "The body must be an object: {image: base64, width, height}");
    const text = isHttp ? (event.body ?? "") : options.image;
    const bytes = isHttp && !event.isBase64Encoded ? new TextEncoder().encode(text) : decodedBase64(text);
    const { out, kind, width, height } = made(bytes, options);
    const image = encode(out);
    if (isHttp) return { statusCode: 200, headers: { "content-type": `image/${kind}` }, body: image, isBase64Encoded: true };
    return { statusCode: 200, body: { image, type: `image/${kind}`, width, height } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { statusCode: error.statusCode, body: { error: error.message, code: error.code } };
  }
};
