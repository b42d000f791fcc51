// How often each of a few kinds was seen.

import { count, percent } from "../lib/format";

export interface Bar {
  name: string;
  value: number;
  colour: string;
}

export function Histogram({ label, bars }: { label: string; bars: readonly Bar[] }) {
  const total = bars.reduce((sum, bar) => sum + bar.value, 0);
  const most = Math.max(1, ...bars.map((bar) => bar.value));
  return (
    <table class="histogram" aria-label={label}>
      <tbody>
        {bars.map((bar) => (
          <tr key={bar.name}>
            <th scope="row">{bar.name}</th>
            <td class="histogram-track">
              <svg width="100%" height="14" aria-hidden="true">
                <rect class="track" width="100%" height="14" rx="2" />
                <rect class={bar.colour} width={`${(100 * bar.value) / most}%`} height="14" rx="2" />
              </svg>
            </td>
            <td class="number">{count(bar.value)}</td>
            <td class="number quiet">{percent(total > 0 ? (100 * bar.value) / total : 0)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
