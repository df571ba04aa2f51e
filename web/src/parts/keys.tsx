// Keys that do something on a page, and the list of them that `?` shows.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export interface Key {
  key: string;
  does: string;
  act: () => void;
}

const active = signal<readonly (readonly Key[])[]>([]);

/** The page's keys while it is shown. They rest while somebody types. */
export function useKeys(keys: readonly Key[]): void {
  const newest = useRef(keys);
  newest.current = keys;
  useEffect(() => {
    const lasting = keys.map((key, place) => ({ ...key, act: () => newest.current[place]?.act() }));
    active.value = [...active.value, lasting];
    return () => {
      active.value = active.value.filter((each) => each !== lasting);
    };
  }, []);
}

/** Begins to listen; once, at the start. */
export function listenForKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const found = active.value.flat().findLast((each) => each.key === event.key);
    if (!found) return;
    event.preventDefault();
    found.act();
  });
}

export function KeyList() {
  return (
    <dl class="keys">
      {active.value.flat().map((each) => (
        <div key={each.key}>
          <dt>
            <kbd>{each.key}</kbd>
          </dt>
          <dd>{each.does}</dd>
        </div>
      ))}
    </dl>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input:not([type=checkbox], [type=radio]), textarea, select") !== null;
}
