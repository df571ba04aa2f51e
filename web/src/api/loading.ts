// What a page shows while it asks, once it was answered, and when it was not: one hook for all of them.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiProblem, wordsOf } from "./client";

export interface Loaded<T> {
  /** The newest answer; it stays while the next one is on its way. */
  value: T | null;
  problem: ApiProblem | null;
  loading: boolean;
  again: () => void;
  /** Puts a changed value in its place, until the next answer. */
  change: (change: (value: T) => T) => void;
}

/** Asks whenever one of `inputs` changes; an answer to an older question is dropped. */
export function useLoaded<T>(ask: (signal: AbortSignal) => Promise<T>, inputs: readonly unknown[]): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [loading, setLoading] = useState(true);
  const [turn, setTurn] = useState(0);
  const newest = useRef(ask);
  newest.current = ask;
  useEffect(() => {
    const asking = new AbortController();
    setLoading(true);
    newest.current(asking.signal).then(
      (answer) => {
        if (asking.signal.aborted) return;
        setValue(answer);
        setProblem(null);
        setLoading(false);
      },
      (error: unknown) => {
        if (asking.signal.aborted) return;
        setProblem(asProblem(error));
        setLoading(false);
      },
    );
    return () => asking.abort();
  }, [...inputs, turn]);
  const again = useCallback(() => setTurn((before) => before + 1), []);
  const change = useCallback(
    (by: (value: T) => T) => setValue((before) => (before === null ? null : by(before))),
    [],
  );
  return { value, problem, loading, again, change };
}

/** Whatever was thrown, as what pages show of it. */
export function asProblem(error: unknown): ApiProblem {
  return error instanceof ApiProblem ? error : new ApiProblem(0, wordsOf(error));
}
