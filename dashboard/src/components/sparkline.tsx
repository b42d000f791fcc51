// A very small chart: the shape of an hour.

const WIDTH = 120;
const HEIGHT = 26;

export function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
  const most = Math.max(1, ...values);
  const step = WIDTH / Math.max(1, values.length);
  const bar = (value: number, at: number) => {
    const height = value > 0 ? Math.max(2, (value / most) * (HEIGHT - 2)) : 0;
    return `M${(at * step).toFixed(1)} ${HEIGHT}v${(-height).toFixed(1)}h${Math.max(1, step - 0.6).toFixed(1)}v${height.toFixed(1)}z`;
  };
  return (
    <svg class="sparkline" width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      <path class="spark-base" d={`M0 ${HEIGHT - 0.5}h${WIDTH}`} />
      <path class="spark-bars" d={values.map(bar).join("")} />
    </svg>
  );
}
