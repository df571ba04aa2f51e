// One check on a real worker, before anything is saved: how it is going, and what came of it.

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiProblem, wordsOf } from "../api/client";
import { type Description, tryMonitor } from "../api/monitors";
import type { Trial } from "../api/types";
import { diagnosticsOf, failedIn } from "../words/checks";
import { milliseconds } from "../words/plain";
import { Phases } from "./phases";

export type TrialState = { kind: "none" } | { kind: "running"; since: number } | { kind: "done"; trial: Trial } | { kind: "failed"; problem: ApiProblem };

export interface Trying {
  state: TrialState;
  run: (description: Description) => void;
  forget: () => void;
}

export function useTrial(): Trying {
  const [state, setState] = useState<TrialState>({ kind: "none" });
  const running = useRef<AbortController | null>(null);
  const forget = (): void => {
    running.current?.abort();
    setState({ kind: "none" });
  };
  useEffect(() => () => running.current?.abort(), []);
  const run = (description: Description): void => {
    running.current?.abort();
    const mine = new AbortController();
    running.current = mine;
    setState({ kind: "running", since: Date.now() });
    tryMonitor(description, mine.signal).then(
      (trial) => setState({ kind: "done", trial }),
      (error: unknown) => {
        if (mine.signal.aborted) return;
        setState({ kind: "failed", problem: error instanceof ApiProblem ? error : new ApiProblem(0, wordsOf(error)) });
      },
    );
  };
  return { state, run, forget };
}

export function TrialShown(props: { state: TrialState }) {
  const { state } = props;
  if (state.kind === "none" || state.kind === "failed") return null;
  if (state.kind === "running") return <Running since={state.since} />;
  const { result, warnings, success } = state.trial;
  const seen = diagnosticsOf(result);
  return (
    <section aria-label="Result of the test" aria-live="polite">
      <div class={success ? "verdict calm" : "verdict down"}>
        <p>
          <strong>{success ? "✓ It works." : `✕ ${result.errorMessage ?? "It failed."}`}</strong> {milliseconds(result.timingImapPop)} from {result.locationName || "a worker"}
        </p>
        {!success && seen.serverWords && (
          <p>
            The server said: <q class="words">{seen.serverWords}</q>
          </p>
        )}
        {!success && seen.hint && <p>What to do: {seen.hint}</p>}
        {result.warningMessage && <p>{result.warningMessage}</p>}
      </div>
      {warnings.map((warning) => (
        <p key={warning.code} class="warning">
          {warning.text}
        </p>
      ))}
      <Phases of={{ phasesMs: seen.phasesMs, failedIn: failedIn(result) }} />
      {seen.transcript && (
        <details>
          <summary>What was said</summary>
          <pre class="words">{seen.transcript}</pre>
        </details>
      )}
    </section>
  );
}

function Running(props: { since: number }) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const ticking = setInterval(() => setSeconds(Math.floor((Date.now() - props.since) / 1000)), 250);
    return () => clearInterval(ticking);
  }, [props.since]);
  return (
    <p class="verdict calm" role="status">
      A worker logs in now … {seconds > 0 && `${seconds} s`}
    </p>
  );
}
