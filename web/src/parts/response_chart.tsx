// Response times as a picture, and the same as a table for who cannot or would rather not see it.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Details } from "../api/types";
import type { Looked } from "../charts/response";
import { systemTurns, theme } from "../theme";
import { absolute, milliseconds, percent } from "../words/plain";
import { causeWords } from "../words/monitors";
import { Listed } from "./listed";
import { sayProblem } from "./notices";

export function ResponseChart(props: { details: Details; range: string }) {
  const place = useRef<HTMLDivElement>(null);
  const looked = useMemo((): Looked => ({ zoom: null, off: new Set() }), [props.range]);
  const [asTable, showTable] = useState(false);
  const { monitoringData: points, monitoringDataMeta: meta } = props.details;
  const raw = meta.granularity === "raw";
  const colours = `${theme.value} ${systemTurns.value}`;
  useEffect(() => {
    const into = place.current;
    if (!into || points.length === 0) return;
    let gone = false;
    let clear = (): void => undefined;
    import("../charts/response").then(({ drawResponse }) => {
      if (!gone) clear = drawResponse(into, props.details, looked);
    }, sayProblem);
    return () => {
      gone = true;
      clear();
    };
  }, [props.details, colours]);
  if (points.length === 0) return <p class="faint">No checks in this time.</p>;
  return (
    <>
      <div ref={place} class="chart" role="img" aria-label="Response times over time; the table below has the same figures" />
      <p class="hint">
        Drag over the chart to look closer, double-click to see all of it. Strokes at the foot are failures, stripes are
        maintenance{raw && ", broken lines another certificate"}.
        {!raw && " Phases are shown for the last 24 hours; here it is the fastest, the mean and the slowest."}
      </p>
      <details onToggle={(event) => showTable(event.currentTarget.open)}>
        <summary>The same as a table</summary>
        {asTable && (
          <Listed
            name="Response times"
            items={points.toReversed()}
            idOf={(point) => `${point.checkedAt} ${point.locationName}`}
            columns={[
              ["At", (point) => absolute(Date.parse(point.checkedAt))],
              ["Result", (point) => (point.status === "failure" ? (point.cause === null ? "✕ failures" : `✕ ${causeWords(point.cause)}`) : point.status === "success" ? "✓ passed" : "–")],
              [raw ? "Took" : "Mean", (point) => milliseconds(point.timingImapPop), "number"],
              raw
                ? ["Location", (point) => point.locationName]
                : ["Failures", ({ checks, failures }) => `${failures} of ${checks} (${percent(checks ? ((failures ?? 0) * 100) / checks : null)})`],
            ]}
          />
        )}
      </details>
    </>
  );
}
