// Figures as people read them: with a unit, and no more digits than they are worth.

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** Three significant digits at most, without an exponent. */
function short(value: number): string {
  if (value === 0) return "0";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}

export function count(value: number): string {
  if (value < 10_000) return grouped.format(value);
  if (value < 1_000_000) return `${short(value / 1e3)} k`;
  if (value < 1_000_000_000) return `${short(value / 1e6)} M`;
  return `${short(value / 1e9)} G`;
}

/** A duration in milliseconds. */
export function ms(value: number): string {
  if (value <= 0) return "0 ms";
  if (value < 0.995) return `${Math.max(1, Math.round(value * 1000))} µs`;
  if (value < 999.5) return `${short(value)} ms`;
  if (value < 59_950) return `${short(value / 1e3)} s`;
  return span(value);
}

/** A long duration in milliseconds: the two largest units. */
export function span(value: number): string {
  const units: [string, number][] = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], ["s", 1_000]];
  const parts: string[] = [];
  let rest = Math.max(0, value);
  for (const [unit, length] of units) {
    const whole = Math.floor(rest / length);
    if (whole > 0 && parts.length < 2) parts.push(`${whole} ${unit}`);
    else if (parts.length > 0) break;
    rest -= whole * length;
  }
  return parts.join(" ") || "0 s";
}

export function percent(value: number): string {
  return `${value > 0 && value < 0.1 ? "<0.1" : Number(value.toFixed(value < 10 ? 1 : 0))} %`;
}

export function mb(value: number): string {
  return value >= 1024 ? `${short(value / 1024)} GB` : `${short(value)} MB`;
}

export function bytes(value: number): string {
  if (value < 1024) return `${Math.round(value)} B`;
  return value < 1024 * 1024 ? `${short(value / 1024)} KB` : mb(value / 1024 / 1024);
}

export function usd(value: number): string {
  if (value === 0) return "$0";
  if (value < 0.000_001) return "<$0.000001";
  if (value < 0.01) return `$${value.toFixed(6)}`;
  return `$${value < 100 ? value.toFixed(2) : grouped.format(value)}`;
}

/** How long ago, or how soon. */
export function ago(time: string, now = Date.now()): string {
  const past = now - Date.parse(time);
  const distance = Math.abs(past);
  if (distance < 5_000) return "now";
  const text = span(distance).split(" ").slice(0, 2).join(" ");
  return past > 0 ? `${text} ago` : `in ${text}`;
}

const pad = (value: number, length = 2) => String(value).padStart(length, "0");

/** Time of day, to the millisecond. */
export function clock(time: string): string {
  const at = new Date(time);
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`;
}

export function dateTime(time: string): string {
  const at = new Date(time);
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  return `${day} ${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
}
