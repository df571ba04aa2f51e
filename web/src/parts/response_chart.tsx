// Response times as a picture, and the same as a table for who cannot or would rather not see it.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Details } from "../api/types";
import { theme } from "../theme";
import { absolute, milliseconds, percent } from "../words/plain";
import { causeWords } from "../words/monitors";
import { sayProblem } from "./notices";

export function ResponseChart(props: { details: Details }) {
  const place = useRef<HTMLDivElement>(null);
  const [asTable, showTable] = useState(false);
  const { monitoringData: points, monitoringDataMeta: meta } = props.details;
  const chosen = theme.value;
  useEffect(() => {
    const into = place.current;
    if (!into || points.length === 0) return;
    let gone = false;
    let clear = (): void => undefined;
    import("../charts/response").then(({ drawResponse }) => {
      if (!gone) clear = drawResponse(into, props.details);
    }, sayProblem);
    return () => {
      gone = true;
      clear();
    };
  }, [props.details, chosen]);
  if (points.length === 0) return <p class="faint">No checks in this time.</p>;
  return (
    <>
      <div ref={place} class="chart" role="img" aria-label="Response times over time; the table below has the same figures" />
      <p class="hint">
        Drag over the chart to look closer, double-click to see all of it. Strokes at the foot are failures, stripes are
        maintenance{meta.granularity === "raw" && ", broken lines another certificate"}.
        {meta.granularity !== "raw" && " Phases are shown for the last 24 hours; here it is the fastest, the mean and the slowest."}
      </p>
      <details onToggle={(event) => showTable(event.currentTarget.open)}>
        <summary>The same as a table</summary>
        {asTable && (
          <div class="scrolled">
            <table>
              <thead>
                <tr>
                  <th scope="col">At</th>
                  <th scope="col">Result</th>
                  <th scope="col" class="number">
                    {meta.granularity === "raw" ? "Took" : "Mean"}
                  </th>
                  <th scope="col">{meta.granularity === "raw" ? "Location" : "Failures"}</th>
                </tr>
              </thead>
              <tbody>
                {points.toReversed().map((point, place) => (
                  <tr key={place}>
                    <td>{absolute(Date.parse(point.checkedAt))}</td>
                    <td>{point.status === "failure" ? (point.cause === null ? "✕ failures" : `✕ ${causeWords(point.cause)}`) : point.status === "success" ? "✓ passed" : "–"}</td>
                    <td class="number">{milliseconds(point.timingImapPop)}</td>
                    <td>{point.checks === null ? point.locationName : `${point.failures} of ${point.checks} (${percent(point.checks === 0 ? null : ((point.failures ?? 0) * 100) / point.checks)})`}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </details>
    </>
  );
}
