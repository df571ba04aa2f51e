// The chart of response times. Loaded only where a chart is shown.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Details } from "../api/types";
import { PHASES, PHASE_WORDS } from "../words/monitors";
import { absolute, milliseconds } from "../words/plain";
import { certificateChanges, failureTimes, spread, stacked } from "./points";

const HEIGHT = 260;
const RUG_PX = 8;

type Shown = Pick<Details, "monitoringData" | "monitoringDataMeta" | "maintenance">;

/** How somebody looks at it, which outlives a drawing: what is zoomed in on, seconds, and which series are put out. */
export interface Looked {
  zoom: [number, number] | null;
  readonly off: Set<string>;
}

/** Draws into the element; the answer takes it away again. */
export function drawResponse(into: HTMLElement, shown: Shown, looked: Looked): () => void {
  const color = (name: string): string => getComputedStyle(into).getPropertyValue(name).trim();
  const byPhase = shown.monitoringDataMeta.granularity === "raw";
  const { times, values } = byPhase ? stacked(shown.monitoringData) : spread(shown.monitoringData);
  const axis = { stroke: color("--faint"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line") } };
  const options: uPlot.Options = {
    width: Math.max(280, into.clientWidth),
    height: HEIGHT,
    series: [{ label: "At", value: (_chart, at) => (at === null ? "–" : absolute(at * 1000)) }, ...(byPhase ? phaseSeries(color, shown) : spreadSeries(color))],
    ...(byPhase ? {} : { bands: [{ series: [1, 3] as uPlot.Band.Bounds, fill: `${color("--accent")}33` }] }),
    axes: [{ ...axis, values: (_chart, ticks, _axis, _space, step) => ticks.map((tick, place) => timeAt(tick, step, ticks[place - 1])) }, { ...axis, size: 70, values: (_chart, ticks) => ticks.map((tick) => milliseconds(tick)) }],
    scales: {
      x: { range: [Date.parse(shown.monitoringDataMeta.since) / 1000, Date.parse(shown.monitoringDataMeta.until) / 1000] },
      y: { range: (_chart, _low, high) => [0, Math.max(1, high) * 1.08] },
    },
    cursor: { drag: { x: true, y: false } },
    hooks: {
      drawClear: [(chart) => hatch(chart, shown, color("--maintenance"))],
      draw: [
        (chart) => rug(chart, failureTimes(shown.monitoringData), color("--bar-down")),
        (chart) => marks(chart, certificateChanges(shown.monitoringData), color("--link")),
      ],
      setScale: [
        (chart, key) => {
          const { min, max } = chart.scales["x"] ?? {};
          if (key === "x" && min != null && max != null) looked.zoom = zoomed(min, max, times) ? [min, max] : null;
        },
      ],
      setSeries: [(chart) => chart.series.forEach(({ label, show }) => (show ? looked.off.delete(`${label}`) : looked.off.add(`${label}`)))],
    },
  };
  options.series = options.series.map((one) => ({ ...one, show: !looked.off.has(`${one.label}`) }));
  // A range that is a pair would forbid zooming: it is only where the chart begins.
  const whole = options.scales?.["x"]?.range as [number, number];
  options.scales = { ...options.scales, x: { range: (_chart, low, high) => (zoomed(low, high, times) ? [low, high] : whole) } };
  const { zoom } = looked;
  const chart = new uPlot(options, [times, ...values], into);
  if (zoom) chart.setScale("x", { min: zoom[0], max: zoom[1] });
  const follow = new ResizeObserver(() => chart.setSize({ width: Math.max(280, into.clientWidth), height: HEIGHT }));
  follow.observe(into);
  return () => {
    follow.disconnect();
    chart.destroy();
  };
}

/** A tick of the clock, or of the calendar where they are days apart; the day stands below where it begins. */
function timeAt(tick: number, step: number, before: number | undefined): string {
  const at = new Date(tick * 1000);
  const day = at.toLocaleDateString(undefined, { day: "numeric", month: "short" });
  if (step >= 86_400) return day;
  const clock = at.toLocaleTimeString(undefined, { timeStyle: step < 60 ? "medium" : "short" });
  return before !== undefined && new Date(before * 1000).getDate() === at.getDate() ? clock : `${clock}\n${day}`;
}

function zoomed(low: number, high: number, times: readonly number[]): boolean {
  return low > (times[0] ?? low) || high < (times.at(-1) ?? high);
}

function phaseSeries(color: (name: string) => string, shown: Shown): uPlot.Series[] {
  return PHASES.toReversed().map((phase) => ({
    label: PHASE_WORDS[phase] ?? phase,
    fill: color(`--phase-${phase}`),
    stroke: color(`--phase-${phase}`),
    width: 1,
    points: { show: shown.monitoringData.length < 3 },
    // The column is a sum; what is told is the phase's own.
    value: (_chart, _sum, _series, place) => {
      const took = place === null ? undefined : shown.monitoringData[place]?.phasesMs?.[phase];
      return took === undefined ? "–" : milliseconds(took);
    },
  }));
}

function spreadSeries(color: (name: string) => string): uPlot.Series[] {
  const told = { value: (_chart: uPlot, value: number | null) => milliseconds(value), points: { show: false } };
  return [
    { label: "Slowest", stroke: color("--line"), width: 1, ...told },
    { label: "Mean", stroke: color("--accent"), width: 2, ...told },
    { label: "Fastest", stroke: color("--line"), width: 1, ...told },
  ];
}

/** Maintenance as stripes behind everything. */
function hatch(chart: uPlot, shown: Shown, color: string): void {
  const { ctx, bbox } = chart;
  const step = 8 * devicePixelRatio;
  for (const window of shown.maintenance.allWindows) {
    const from = Math.max(bbox.left, chart.valToPos(Date.parse(window.startTime) / 1000, "x", true));
    const until = Math.min(bbox.left + bbox.width, chart.valToPos(Date.parse(window.endTime) / 1000, "x", true));
    if (until <= from) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(from, bbox.top, until - from, bbox.height);
    ctx.clip();
    ctx.strokeStyle = color;
    ctx.globalAlpha = 0.35;
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    for (let x = from - bbox.height; x < until; x += step) {
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
  }
}

/** Failures as short strokes at the foot. */
function rug(chart: uPlot, times: readonly number[], color: string): void {
  const { bbox } = chart;
  stroke(chart, times, color, [], bbox.top + bbox.height - RUG_PX * devicePixelRatio, bbox.top + bbox.height, 2);
}

/** Other certificates as broken lines through all of it. */
function marks(chart: uPlot, times: readonly number[], color: string): void {
  stroke(chart, times, color, [4 * devicePixelRatio, 4 * devicePixelRatio], chart.bbox.top, chart.bbox.top + chart.bbox.height, 1);
}

function stroke(chart: uPlot, times: readonly number[], color: string, dash: number[], top: number, foot: number, width: number): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.strokeStyle = color;
  ctx.lineWidth = width * devicePixelRatio;
  ctx.setLineDash(dash);
  ctx.beginPath();
  for (const time of times) {
    const x = chart.valToPos(time, "x", true);
    ctx.moveTo(x, top);
    ctx.lineTo(x, foot);
  }
  ctx.stroke();
  ctx.restore();
}
