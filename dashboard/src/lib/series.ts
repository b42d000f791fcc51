// Series as charts need them: a value for every step, also where nothing happened.

import type { Point, StartKind } from "../api/types";

export interface Range {
  label: string;
  since: string;
  step: string;
  stepMs: number;
  spanMs: number;
}

const MINUTE = 60_000;
export const RANGES: readonly Range[] = [
  { label: "1 h", since: "1h", step: "1m", stepMs: MINUTE, spanMs: 60 * MINUTE },
  { label: "6 h", since: "6h", step: "5m", stepMs: 5 * MINUTE, spanMs: 360 * MINUTE },
  { label: "24 h", since: "1d", step: "15m", stepMs: 15 * MINUTE, spanMs: 1440 * MINUTE },
  { label: "7 d", since: "7d", step: "2h", stepMs: 120 * MINUTE, spanMs: 7 * 1440 * MINUTE },
];

/** The value of each step up to now, from the oldest; `null` where there is no point. */
export function spread(
  points: readonly Point[],
  range: Range,
  value: (point: Point) => number,
  empty: number | null,
  now = Date.now(),
): { times: number[]; values: (number | null)[] } {
  const end = Math.floor(now / range.stepMs) * range.stepMs;
  const steps = Math.round(range.spanMs / range.stepMs);
  const start = end - (steps - 1) * range.stepMs;
  const times = Array.from({ length: steps }, (_, at) => start + at * range.stepMs);
  const values: (number | null)[] = times.map(() => empty);
  for (const point of points) {
    const at = Math.floor((Date.parse(point.time) - start) / range.stepMs);
    if (at >= 0 && at < steps) values[at] = value(point);
  }
  return { times, values };
}

export interface Sums {
  invocations: number;
  errors: number;
  errorRate: number;
  coldStartRate: number;
  p95: number;
  throttles: number;
}

/** What a list shows of a series. The p95 is that of the worst step. */
export function sums(points: readonly Point[]): Sums {
  const add = (value: (point: Point) => number) => points.reduce((sum, point) => sum + value(point), 0);
  const invocations = add((point) => point.invocations);
  const errors = add((point) => point.errors);
  const rate = (part: number) => (invocations > 0 ? (100 * part) / invocations : 0);
  return {
    invocations,
    errors,
    errorRate: rate(errors),
    coldStartRate: rate(add((point) => point.coldStarts)),
    p95: Math.max(0, ...points.map((point) => point.p95Duration)),
    throttles: add((point) => point.throttles),
  };
}

export const START_KINDS: readonly StartKind[] = ["warm", "parked", "forked", "booted"];

/** A round number at or above `value`, for the top of an axis. */
export function ceiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((step) => step * power >= value * 0.999) ?? 10;
  return step * power;
}
