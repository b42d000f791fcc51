// One invocation, phase after phase.

import type { Timeline } from "../api/types";
import { ms } from "../lib/format";

const PHASES = ["queue", "fork", "load", "handler"] as const;

export function Waterfall({ timeline }: { timeline: Timeline }) {
  const total = Math.max(timeline.total, 0.000_001);
  let before = 0;
  const rows = PHASES.map((phase) => {
    const row = { phase, start: before, length: timeline[phase] };
    before += timeline[phase];
    return row;
  });
  const rest = Math.max(0, timeline.total - before);
  const all = [...rows, { phase: "answer", start: before, length: rest }];
  return (
    <div class="waterfall">
      <table>
        <caption class="hidden">Phases of the invocation</caption>
        <thead class="hidden">
          <tr><th scope="col">Phase</th><th scope="col">Share</th><th scope="col">Duration</th></tr>
        </thead>
        <tbody>
          {all.map(({ phase, start, length }) => (
            <tr key={phase}>
              <th scope="row">{phase}</th>
              <td class="waterfall-track">
                <svg width="100%" height="10" aria-hidden="true">
                  <rect class="track" width="100%" height="10" rx="2" />
                  <rect
                    class={`phase-${phase}`}
                    x={`${Math.min(99.5, (100 * start) / total)}%`}
                    width={`${Math.max(0.5, (100 * length) / total)}%`}
                    height="10"
                    rx="2"
                  />
                </svg>
              </td>
              <td class="number">{ms(length)}</td>
            </tr>
          ))}
          <tr class="total">
            <th scope="row">total</th>
            <td />
            <td class="number">{ms(timeline.total)}</td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}
