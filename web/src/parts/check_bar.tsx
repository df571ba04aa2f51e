// The last checks at a glance: one picture with one path per state, however many checks there are.

import type { CheckState } from "../api/types";
import { counted } from "../words/plain";

const SHOWN = 60;
const STEP = 4;
const HEIGHT = 18;
// States differ in height as well, for those who cannot tell the colours apart.
const HEIGHTS: Readonly<Record<CheckState, number>> = { up: 10, degraded: 14, down: 18, unknown: 4 };
const ORDER: readonly CheckState[] = ["up", "degraded", "down", "unknown"];

export function CheckBar(props: { states: readonly CheckState[] }) {
  const shown = props.states.slice(-SHOWN);
  return (
    <svg class="check-bar" viewBox={`0 0 ${SHOWN * STEP} ${HEIGHT}`} role="img" aria-label={inWords(shown)} preserveAspectRatio="xMaxYMax meet">
      <title>{inWords(shown)}</title>
      {ORDER.map((state) => {
        const path = pathOf(shown, state);
        return path === "" ? null : <path key={state} class={state} d={path} />;
      })}
    </svg>
  );
}

function pathOf(states: readonly CheckState[], wanted: CheckState): string {
  const height = HEIGHTS[wanted];
  const first = SHOWN - states.length;
  let path = "";
  for (const [place, state] of states.entries()) {
    if (state === wanted) path += `M${(first + place) * STEP} ${HEIGHT - height}h${STEP - 1}v${height}h-${STEP - 1}z`;
  }
  return path;
}

function inWords(states: readonly CheckState[]): string {
  if (states.length === 0) return "No checks yet";
  const failed = states.filter((state) => state === "down").length;
  const degraded = states.filter((state) => state === "degraded").length;
  const parts = [`${counted(failed, "failure")}`, ...(degraded ? [`${degraded} degraded`] : [])];
  return `Last ${counted(states.length, "check")}: ${parts.join(", ")}`;
}
