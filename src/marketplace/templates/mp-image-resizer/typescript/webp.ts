// WebP by libwebp: it has qualities, and reads whatever others write.

import startDecoder from "@jsquash/webp/codec/dec/webp_dec.js";
import decoderCode from "@jsquash/webp/codec/dec/webp_dec.wasm";
import startEncoder from "@jsquash/webp/codec/enc/webp_enc.js";
import encoderCode from "@jsquash/webp/codec/enc/webp_enc.wasm";
import { defaultOptions } from "@jsquash/webp/meta.js";
import { initEmscriptenModule } from "@jsquash/webp/utils.js";

const decoder = await initEmscriptenModule(startDecoder, decoderCode);
const encoder = await initEmscriptenModule(startEncoder, encoderCode);

export function decodeWebp(bytes: Uint8Array): { data: Uint8ClampedArray; width: number; height: number } {
  const image = decoder.decode(bytes);
  if (!image) throw new Error("no image");
  return image;
}

export function encodeWebp(pixels: Uint8Array, width: number, height: number, quality: number): Uint8Array {
  const out = encoder.encode(pixels, width, height, { ...defaultOptions, quality });
  if (!out) throw new Error("no WebP");
  return out;
}
