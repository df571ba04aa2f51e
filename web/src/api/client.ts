// One request of our API: JSON in and out, a deadline, and every failure as an ApiProblem with words for people.

import { signal } from "@preact/signals";
import { carried } from "../acting";

const DEADLINE_MS = 30_000;

export interface Fault {
  pointer: string;
  detail: string;
}

/** An answer that is not the wanted one. `status` 0: there was no answer at all. */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly faults: readonly Fault[] = [],
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(message);
  }

  /** What is wrong with one field of the body, by its JSON pointer. */
  about(pointer: string): string | null {
    return this.faults.find((fault) => fault.pointer === pointer)?.detail ?? null;
  }
}

export interface Asked {
  body?: unknown;
  query?: Readonly<Record<string, string | number | null | undefined>>;
  signal?: AbortSignal;
  deadlineMs?: number;
  /** Sent to its end even when the page is left. */
  keepalive?: boolean;
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** Counts up whenever the API says that nobody is signed in (any more). */
export const refused = signal(0);

/** The answer's body. Raises ApiProblem; an abort by the caller comes through as it is. */
export async function request<T>(method: Method, path: string, asked: Asked = {}): Promise<T> {
  const deadline = AbortSignal.timeout(asked.deadlineMs ?? DEADLINE_MS);
  let response: Response;
  let text: string;
  try {
    response = await fetch(carried(path + queryText(asked.query)), {
      method,
      credentials: "same-origin",
      headers: asked.body === undefined ? {} : { "Content-Type": "application/json" },
      body: asked.body === undefined ? null : JSON.stringify(asked.body),
      signal: asked.signal ? AbortSignal.any([asked.signal, deadline]) : deadline,
      keepalive: asked.keepalive ?? false,
    });
    text = await response.text();
  } catch (error) {
    if (asked.signal?.aborted) throw error;
    throw new ApiProblem(0, deadline.aborted ? "mailprobe did not answer in time." : "mailprobe cannot be reached.");
  }
  if (response.ok) return (text === "" ? null : JSON.parse(text)) as T;
  if (response.status === 401) refused.value += 1;
  throw problemOf(response, text);
}

function queryText(query: Asked["query"]): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== "") given.set(name, String(value));
  }
  const text = given.toString();
  return text === "" ? "" : `?${text}`;
}

function problemOf(response: Response, text: string): ApiProblem {
  const seconds = Number(response.headers.get("Retry-After"));
  const retryAfter = Number.isFinite(seconds) && seconds > 0 ? seconds : null;
  let body: { message?: unknown; detail?: unknown; errors?: Fault[] } = {};
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    // A proxy's page, say: its words are not for people.
  }
  const message = [body.message, body.detail].filter((part): part is string => typeof part === "string");
  const words = message.length === 2 && message[0] !== message[1] ? `${message[0]}: ${message[1]}` : message[0];
  return new ApiProblem(response.status, words ?? `mailprobe answered ${response.status}.`, body.errors ?? [], retryAfter);
}

/** The words of whatever was thrown. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
