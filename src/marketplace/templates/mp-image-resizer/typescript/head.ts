// What an image is and how many pixels it has, told by its first bytes.

export interface Head {
  kind: "png" | "jpeg" | "webp";
  width: number;
  height: number;
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
  for (let offset = 2; ; ) {
    if (view.getUint8(offset) !== 0xff) return undefined;
    const marker = view.getUint8(offset + 1);
    if (marker === 0xff) offset += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) offset += 2;
    else if (marker === 0xd9 || marker === 0xda) return undefined;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return { kind: "jpeg", width: view.getUint16(offset + 7), height: view.getUint16(offset + 5) };
    } else offset += 2 + view.getUint16(offset + 2);
  }
}
