// One check on a real worker, before anything is saved: how it is going, and what came of it.

import { useEffect, useRef, useState } from "preact/hooks";
import type { ApiProblem } from "../api/client";
import { type Description, tryMonitor } from "../api/monitors";
import type { Trial } from "../api/types";
import { diagnosticsOf, failedIn } from "../words/checks";
import { milliseconds } from "../words/plain";
import { Phases } from "./phases";
import { useSending } from "./sending";

export interface Trying {
  running: boolean;
  /** What came of it. */
  found: Trial | null;
  problem: ApiProblem | null;
  run: (description: Description) => void;
  forget: () => void;
}

export function useTrial(): Trying {
  const { busy, problem, run } = useSending();
  const [found, setFound] = useState<Trial | null>(null);
  const asking = useRef(new AbortController());
  const forget = (): void => {
    asking.current.abort();
    setFound(null);
  };
  useEffect(() => () => asking.current.abort(), []);
  return {
    running: busy,
    found,
    problem,
    forget,
    run: (description) => {
      forget();
      const { signal } = (asking.current = new AbortController());
      void run(() =>
        tryMonitor(description, signal).then(setFound, (error: unknown) => {
          if (!signal.aborted) throw error;
        }),
      );
    },
  };
}

export function TrialShown({ of }: { of: Trying }) {
  if (of.running) return <Running />;
  if (!of.found) return null;
  const { result, warnings, success } = of.found;
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

function Running() {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const since = Date.now();
    const ticking = setInterval(() => setSeconds(Math.floor((Date.now() - since) / 1000)), 250);
    return () => clearInterval(ticking);
  }, []);
  return (
    <p class="verdict calm" role="status">
      A worker logs in now … {seconds > 0 && `${seconds} s`}
    </p>
  );
}
