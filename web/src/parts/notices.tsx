// What a page says in passing: that something was done, perhaps with a way back, or that it could not be.

import { signal } from "@preact/signals";
import { wordsOf } from "../api/client";

const SHOWN_MS = 8_000;
const MOST_SHOWN = 4;

interface Notice {
  id: number;
  text: string;
  bad: boolean;
  undo: (() => void) | null;
}

const notices = signal<readonly Notice[]>([]);
let last = 0;

export function say(text: string, undo: (() => void) | null = null): number {
  return show({ text, undo, bad: false });
}

export function sayProblem(error: unknown): void {
  show({ text: wordsOf(error), undo: null, bad: true });
}

/** Does it and says what went wrong, if anything did. */
export async function attempt(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    sayProblem(error);
    return false;
  }
}

/** Does something that cannot be taken back, after as long as its undoing is offered; at once when the page is left. */
export function later(text: string, act: () => Promise<unknown>, undone: () => void): void {
  let open = true;
  const settle = (): void => {
    if (!open) return;
    open = false;
    clearTimeout(timer);
    removeEventListener("pagehide", settle);
    void attempt(act);
  };
  const timer = setTimeout(settle, SHOWN_MS);
  addEventListener("pagehide", settle);
  say(text, () => {
    if (!open) return;
    open = false;
    clearTimeout(timer);
    removeEventListener("pagehide", settle);
    undone();
  });
}

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map((notice) => (
        <p key={notice.id} class={notice.bad ? "notice bad" : "notice"}>
          <span>{notice.text}</span>
          {notice.undo && (
            <button type="button" onClick={() => (dismiss(notice.id), notice.undo?.())}>
              Undo
            </button>
          )}
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => dismiss(notice.id)}>
            ✕
          </button>
        </p>
      ))}
    </div>
  );
}

function show(notice: Omit<Notice, "id">): number {
  const id = ++last;
  notices.value = [...notices.value, { ...notice, id }].slice(-MOST_SHOWN);
  setTimeout(() => dismiss(id), SHOWN_MS);
  return id;
}

function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}
