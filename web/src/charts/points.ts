// What a chart draws, from the points the API answers with. Pure.

import type { ChartPoint } from "../api/types";
import { PHASES } from "../words/monitors";

/** Columns as uPlot wants them: seconds first, then one of values each; null where there is nothing. */
export interface Columns {
  times: number[];
  values: (number | null)[][];
}

/** Phases on top of each other, the whole first: each column is the sum of all phases up to its own. */
export function stacked(points: readonly ChartPoint[]): Columns {
  const times = points.map((point) => Date.parse(point.checkedAt) / 1000);
  const values = [...PHASES.keys()].reverse().map((top) =>
    points.map((point) => {
      if (point.status !== "success" || point.phasesMs === null) return null;
      return PHASES.slice(0, top + 1).reduce((sum, phase) => sum + (point.phasesMs?.[phase] ?? 0), 0);
    }),
  );
  return { times, values };
}

/** Of hours and days: the slowest, the mean, the fastest. */
export function spread(points: readonly ChartPoint[]): Columns {
  return {
    times: points.map((point) => Date.parse(point.checkedAt) / 1000),
    values: [points.map((point) => point.maxTiming), points.map((point) => point.timingImapPop), points.map((point) => point.minTiming)],
  };
}

/** When something failed, in seconds. */
export function failureTimes(points: readonly ChartPoint[]): number[] {
  return points.filter((point) => point.status === "failure").map((point) => Date.parse(point.checkedAt) / 1000);
}

/** When the server began to show another certificate, in seconds. */
export function certificateChanges(points: readonly ChartPoint[]): number[] {
  const changes: number[] = [];
  let shown: string | null = null;
  for (const { certificate, checkedAt } of points) {
    if (certificate === null) continue;
    if (shown !== null && certificate !== shown) changes.push(Date.parse(checkedAt) / 1000);
    shown = certificate;
  }
  return changes;
}
