// How long each phase of a check took, beside another check where there is one to compare with.

import { PHASES, PHASE_WORDS } from "../words/monitors";
import { milliseconds } from "../words/plain";

interface Timed {
  phasesMs: Readonly<Record<string, number>>;
  /** The phase that failed, or null. */
  failedIn: string | null;
}

export function Phases(props: { of: Timed; than?: Timed | null; thanWords?: string }) {
  const shown = PHASES.filter((phase) => phase in props.of.phasesMs || phase === props.of.failedIn || (props.than && phase in props.than.phasesMs));
  if (shown.length === 0) return null; // a check of before phases were kept
  const longest = Math.max(1, ...Object.values(props.of.phasesMs));
  return (
    <table class="phases">
      <thead>
        <tr>
          <th scope="col">Phase</th>
          <th scope="col" class="number">
            Took
          </th>
          {props.than && (
            <th scope="col" class="number">
              {props.thanWords}
            </th>
          )}
          <td />
        </tr>
      </thead>
      <tbody>
        {shown.map((phase) => {
          const took = props.of.phasesMs[phase];
          const failed = phase === props.of.failedIn;
          return (
            <tr key={phase} class={failed ? "failed" : undefined}>
              <th scope="row">
                <span class="glyph" aria-hidden="true">
                  {failed ? "✕" : took === undefined ? "·" : "✓"}
                </span>
                {PHASE_WORDS[phase]}
                {failed && <span class="word"> failed</span>}
              </th>
              <td class="number">{took === undefined ? "–" : milliseconds(took)}</td>
              {props.than && <td class="number faint">{milliseconds(props.than.phasesMs[phase] ?? null)}</td>}
              <td class="length">
                <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                  <rect class={`phase-${phase}`} width={((took ?? 0) / longest) * 100} height="6" />
                </svg>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
