// A chart over time, drawn by hand: lines or bars, an axis with units, and the figures under the pointer.

import { useMemo, useState } from "preact/hooks";

import { dateTime } from "../lib/format";
import { ceiling } from "../lib/series";

export interface Line {
  name: string;
  /** A class of the style sheet: which colour. */
  colour: string;
  values: readonly (number | null)[];
}

interface ChartProps {
  title: string;
  times: readonly number[];
  lines: readonly Line[];
  show: (value: number) => string;
  kind?: "line" | "bar";
}

const WIDTH = 360;
const HEIGHT = 140;
const LEFT = 60;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;

const x = (at: number, count: number) => LEFT + ((WIDTH - LEFT - RIGHT) * (at + 0.5)) / Math.max(1, count);
const y = (value: number, top: number) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / top;

/** Pieces of a line; a value that is missing is a gap. */
function path(values: readonly (number | null)[], top: number): string {
  let text = "";
  values.forEach((value, at) => {
    if (value === null) return;
    const joined = at > 0 && values[at - 1] !== null;
    text += `${joined ? "L" : "M"}${x(at, values.length).toFixed(1)} ${y(value, top).toFixed(1)}`;
  });
  return text;
}

/** Values that stand alone, which a line would not show. */
function dots(values: readonly (number | null)[], top: number): string {
  const alone = (at: number) => (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null;
  return values
    .map((value, at) => (value === null || !alone(at) ? "" : `M${x(at, values.length).toFixed(1)} ${y(value, top).toFixed(1)}h0.01`))
    .join("");
}

function bars(values: readonly (number | null)[], top: number): string {
  const wide = Math.max(1, ((WIDTH - LEFT - RIGHT) / Math.max(1, values.length)) * 0.8);
  return values
    .map((value, at) => {
      if (!value) return "";
      const high = y(0, top) - y(value, top);
      return `M${(x(at, values.length) - wide / 2).toFixed(1)} ${y(0, top)}v${(-high).toFixed(1)}h${wide.toFixed(1)}v${high.toFixed(1)}z`;
    })
    .join("");
}

const timeOfDay = (time: number, day: boolean) => {
  const text = dateTime(new Date(time).toISOString());
  return day ? text.slice(5, 16) : text.slice(11, 16);
};

export function Chart({ title, times, lines, show, kind = "line" }: ChartProps) {
  const [at, setAt] = useState<number | null>(null);
  const values = lines.flatMap((line) => line.values.filter((value): value is number => value !== null));
  const top = ceiling(Math.max(0, ...values));
  const long = times.length > 1 && times[times.length - 1]! - times[0]! > 86_400_000;
  const drawn = useMemo(
    () => lines.map((line) => (kind === "bar" ? bars(line.values, top) : path(line.values, top))),
    [lines, top, kind],
  );
  const move = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const inside = ((event.clientX - box.left) / box.width) * WIDTH - LEFT;
    const index = Math.floor((inside / (WIDTH - LEFT - RIGHT)) * times.length);
    setAt(index >= 0 && index < times.length ? index : null);
  };
  const nothing = values.every((value) => value === 0);
  const shown = at ?? latest(lines, times.length);
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="chart-time quiet">{times[shown] !== undefined && timeOfDay(times[shown], long)}</span>
        {lines.map((line) => (
          <span class="legend" key={line.name}>
            <i class={`swatch ${line.colour}`} aria-hidden="true" />
            {line.name} <b>{line.values[shown] === null || line.values[shown] === undefined ? "–" : show(line.values[shown])}</b>
          </span>
        ))}
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${title}: ${summary(lines, show)}`}
        onPointerMove={move}
        onPointerLeave={() => setAt(null)}
      >
        {[0, 0.5, 1].map((part) => (
          <g key={part}>
            <path class="grid" d={`M${LEFT} ${y(top * part, top)}H${WIDTH - RIGHT}`} />
            <text class="axis" x={LEFT - 6} y={y(top * part, top) + 3} text-anchor="end">
              {nothing && part > 0 ? "" : show(top * part)}
            </text>
          </g>
        ))}
        {times.length > 1 &&
          [0, 0.5, 1].map((part) => {
            const index = Math.round((times.length - 1) * part);
            const anchor = part === 0 ? "start" : part === 1 ? "end" : "middle";
            const place = part === 0 ? LEFT : part === 1 ? WIDTH - RIGHT : x(index, times.length);
            return (
              <text class="axis" key={part} x={place} y={HEIGHT - 6} text-anchor={anchor}>
                {timeOfDay(times[index]!, long)}
              </text>
            );
          })}
        {drawn.map((d, index) => (
          <path key={lines[index]!.name} class={`${kind === "bar" ? "bars" : "line"} ${lines[index]!.colour}`} d={d} />
        ))}
        {kind === "line" && lines.map((line) => <path key={line.name} class={`dots ${line.colour}`} d={dots(line.values, top)} />)}
        {at !== null && <path class="cursor" d={`M${x(at, times.length)} ${TOP}V${HEIGHT - BOTTOM}`} />}
      </svg>
    </figure>
  );
}

/** The last step that any line has a value for. */
function latest(lines: readonly Line[], count: number): number {
  for (let at = count - 1; at >= 0; at -= 1) {
    if (lines.some((line) => (line.values[at] ?? null) !== null)) return at;
  }
  return count - 1;
}

/** For those who hear the chart. */
function summary(lines: readonly Line[], show: (value: number) => string): string {
  return lines
    .map((line) => {
      const known = line.values.filter((value): value is number => value !== null);
      if (known.length === 0) return `${line.name}: no data`;
      return `${line.name}: latest ${show(known[known.length - 1]!)}, highest ${show(Math.max(...known))}`;
    })
    .join("; ");
}
