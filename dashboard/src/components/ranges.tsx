// Over which time.

import { RANGES, type Range } from "../lib/series";

export function Ranges({ range, choose }: { range: Range; choose: (range: Range) => void }) {
  return (
    <div class="choices" role="group" aria-label="Time range">
      {RANGES.map((one) => (
        <button type="button" key={one.label} aria-pressed={one === range} onClick={() => choose(one)}>
          {one.label}
        </button>
      ))}
    </div>
  );
}
