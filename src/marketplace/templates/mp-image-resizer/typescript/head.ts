// What an image is and how many pixels it has, told by its first bytes.

export interface Head {
  kind: "png" | "jpeg" | "webp";
  width: number;
  height: number;
  /** How a JPEG is to be turned, 1 to 8 as EXIF has it; 1 is not at all. */
  orientation?: number;
}

export function headOf(bytes: Uint8Array): Head | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const is = (offset: number, text: string) => [...text].every((char, index) => bytes[offset + index] === char.charCodeAt(0));
  try {
    if (is(0, "\x89PNG\r\n\x1a\n") && is(12, "IHDR")) return { kind: "png", width: view.getUint32(16), height: view.getUint32(20) };
    if (bytes[0] === 0xff && bytes[1] === 0xd8) return jpeg(view);
    if (!is(0, "RIFF") || !is(8, "WEBP")) return undefined;
    const three = (offset: number) => 1 + (view.getUint16(offset, true) | (view.getUint8(offset + 2) << 16));
    if (is(12, "VP8X")) return { kind: "webp", width: three(24), height: three(27) };
    if (is(12, "VP8 ")) return { kind: "webp", width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    if (!is(12, "VP8L")) return undefined;
    const bits = view.getUint32(21, true);
    return { kind: "webp", width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
  } catch {
    // It ends before its head does.
    return undefined;
  }
}

function jpeg(view: DataView): Head | undefined {
  let orientation = 1;
  for (let offset = 2; ; ) {
    if (view.getUint8(offset) !== 0xff) return undefined;
    const marker = view.getUint8(offset + 1);
    if (marker === 0xff) offset += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) offset += 2;
    else if (marker === 0xd9 || marker === 0xda) return undefined;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return { kind: "jpeg", width: view.getUint16(offset + 7), height: view.getUint16(offset + 5), orientation };
    } else {
      const length = view.getUint16(offset + 2);
      if (marker === 0xe1) orientation = exif(view, offset + 4, offset + 2 + length) ?? orientation;
      offset += 2 + length;
    }
  }
}

// The tag 0x112 in the first directory, if these are EXIF data and all of that is within them.
function exif(view: DataView, start: number, end: number): number | undefined {
  const tiff = start + 6;
  if (view.getUint32(start) !== 0x45786966 || tiff + 8 > end) return undefined;
  const little = view.getUint16(tiff) === 0x4949;
  const directory = tiff + view.getUint32(tiff + 4, little);
  if (directory + 2 > end) return undefined;
  const count = view.getUint16(directory, little);
  for (let entry = directory + 2; entry + 12 <= Math.min(end, directory + 2 + count * 12); entry += 12) {
    if (view.getUint16(entry, little) !== 0x112) continue;
    const value = view.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}
