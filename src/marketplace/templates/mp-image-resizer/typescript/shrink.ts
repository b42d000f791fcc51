// Makes pixels fewer: each new one is the mean of those that it stands for, counted by how opaque they are. One row of sums is all
// the memory that it takes, which is what a photograph of many millions of pixels needs.

export interface Part {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The part of an image whose lines are `stride` pixels long, in a size that is no larger either way. */
export function shrink(pixels: Uint8Array | Uint8ClampedArray, stride: number, part: Part, width: number, height: number): Uint8Array {
  const out = new Uint8Array(width * height * 4);
  const sums = new Float32Array(part.width * 4);
  const [across, down] = [part.width / width, part.height / height];
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    const [top, bottom] = [y * down, Math.min((y + 1) * down, part.height)];
    for (let row = Math.floor(top); row < bottom; row++) {
      add(pixels, ((part.top + row) * stride + part.left) * 4, sums, Math.min(row + 1, bottom) - Math.max(row, top));
    }
    for (let x = 0; x < width; x++) mean(sums, x * across, Math.min((x + 1) * across, part.width), bottom - top, out, (y * width + x) * 4);
  }
  return out;
}

function add(pixels: Uint8Array | Uint8ClampedArray, start: number, sums: Float32Array, weight: number): void {
  for (let at = 0; at < sums.length; at += 4) {
    const alpha = pixels[start + at + 3] * weight;
    sums[at] += pixels[start + at] * alpha;
    sums[at + 1] += pixels[start + at + 1] * alpha;
    sums[at + 2] += pixels[start + at + 2] * alpha;
    sums[at + 3] += alpha;
  }
}

function mean(sums: Float32Array, left: number, right: number, rows: number, out: Uint8Array, at: number): void {
  let [red, green, blue, alpha, covered] = [0, 0, 0, 0, 0];
  for (let column = Math.floor(left); column < right; column++) {
    const weight = Math.min(column + 1, right) - Math.max(column, left);
    red += sums[column * 4] * weight;
    green += sums[column * 4 + 1] * weight;
    blue += sums[column * 4 + 2] * weight;
    alpha += sums[column * 4 + 3] * weight;
    covered += weight;
  }
  out[at] = Math.round(red / (alpha || 1));
  out[at + 1] = Math.round(green / (alpha || 1));
  out[at + 2] = Math.round(blue / (alpha || 1));
  out[at + 3] = Math.round(alpha / (covered * rows));
}
