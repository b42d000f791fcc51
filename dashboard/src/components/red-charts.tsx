// Rate, errors and duration over time, and what it takes.

import type { Series } from "../api/types";
import { count, mb, ms, percent, usd } from "../lib/format";
import { spread, type Range } from "../lib/series";
import { Chart } from "./chart";

export function RedCharts({ series, range, limitMb }: { series: Series; range: Range; limitMb?: number }) {
  const of = (value: (point: Series["points"][number]) => number, empty: number | null) =>
    spread(series.points, range, value, empty);
  const all = of((point) => point.invocations, 0);
  const errors = of((point) => point.errors, 0).values;
  const throttles = of((point) => point.throttles, 0).values;
  return (
    <div class="charts">
      <Chart
        title={`Invocations per ${stepName(range)}`}
        times={all.times}
        kind="bar"
        show={count}
        lines={[{ name: "invocations", colour: "series-1", values: all.values }]}
      />
      <Chart
        title={`Errors per ${stepName(range)}`}
        times={all.times}
        kind="bar"
        show={count}
        lines={[
          { name: "errors", colour: "series-bad", values: errors },
          { name: "throttles", colour: "series-4", values: throttles },
        ]}
      />
      <Chart
        title="Duration"
        times={all.times}
        show={ms}
        lines={[
          { name: "p50", colour: "series-1", values: of((point) => point.p50Duration, null).values },
          { name: "p95", colour: "series-2", values: of((point) => point.p95Duration, null).values },
          { name: "p99", colour: "series-3", values: of((point) => point.p99Duration, null).values },
        ]}
      />
      <Chart
        title="Cold start rate"
        times={all.times}
        show={percent}
        lines={[{ name: "cold starts", colour: "series-2", values: of((point) => point.coldStartRate, null).values }]}
      />
      <Chart
        title={limitMb ? `Memory of an instance, limit ${mb(limitMb)}` : "Memory of an instance"}
        times={all.times}
        show={mb}
        lines={[
          { name: "average", colour: "series-1", values: of((point) => point.avgMemoryMb, null).values },
          { name: "peak", colour: "series-3", values: of((point) => point.maxMemoryMb, null).values },
        ]}
      />
      <Chart
        title={`Cost per ${stepName(range)}`}
        times={all.times}
        kind="bar"
        show={usd}
        lines={[{ name: "cost", colour: "series-4", values: of((point) => point.totalCost, 0).values }]}
      />
    </div>
  );
}

function stepName(range: Range): string {
  const minutes = range.stepMs / 60_000;
  if (minutes === 1) return "minute";
  return minutes < 60 ? `${minutes} min` : `${minutes / 60} h`;
}
