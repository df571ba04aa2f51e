// What happens while somebody looks: the API's event stream, as typed events.

import { carried } from "../acting";
import type { Check, Health } from "../api/types";

/** @schema HealthEvent */
export interface HealthEvent {
  monitorId: string;
  health: Health;
  healthSince: string;
  message: string | null;
  lastCheckedAt: string;
}

/** @schema ResultEvent */
export interface ResultEvent {
  monitorId: string;
  check: Check;
}

/** @schema MonitorEvent */
export interface MonitorEvent {
  monitorId: string;
  change: "created" | "changed" | "deleted";
}

export interface Heard {
  health?: (event: HealthEvent) => void;
  result?: (event: ResultEvent) => void;
  monitor?: (event: MonitorEvent) => void;
  incident?: (event: { monitorId: string }) => void;
  /** From now on everything is told: what was loaded before may lack what happened in between. */
  opened?: () => void;
  /** Something may have been missed: everything is to be loaded anew. */
  reset?: () => void;
}

const MOST_WATCHED = 200;
// Whoever types a search looks at other monitors with each key; only where they stay is it listened.
const SETTLED_MS = 300;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/** Listens until the answer is called; results are told of the watched monitors alone. */
export function listenTo(watched: readonly string[], heard: Heard): () => void {
  let source: EventSource | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let wait = FIRST_RETRY_MS;

  const open = (): void => {
    const watch = watched.slice(0, MOST_WATCHED).join(",");
    source = new EventSource(carried(`/api/events${watch === "" ? "" : `?watch=${watch}`}`));
    source.onopen = () => {
      wait = FIRST_RETRY_MS;
      heard.opened?.();
    };
    // The browser comes back by itself after a broken connection, and for good gives up after an answer that is none.
    source.onerror = () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      retry = setTimeout(open, wait);
      wait = Math.min(wait * 2, LONGEST_RETRY_MS);
    };
    on(source, "health", heard.health);
    on(source, "result", heard.result);
    on(source, "monitor", heard.monitor);
    on(source, "incident", heard.incident);
    on(source, "reset", heard.reset);
  };

  retry = setTimeout(open, SETTLED_MS);
  return () => {
    clearTimeout(retry);
    source?.close();
  };
}

function on<T>(source: EventSource, name: string, tell: ((event: T) => void) | undefined): void {
  if (!tell) return;
  source.addEventListener(name, (message) => {
    const text = (message as MessageEvent<string>).data;
    tell((text ? JSON.parse(text) : {}) as T);
  });
}
