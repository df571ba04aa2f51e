// A moment, told as how long ago it was; the clock time is there on hover and for screen readers.

import { signal, useComputed, useSignal } from "@preact/signals";
import { absolute, duration, relative } from "../words/plain";

const TICK_MS = 5_000;
const now = signal(Date.now());

/** Lets shown times grow; once, at the start. */
export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, TICK_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) now.value = Date.now();
  });
}

export function Moment(props: { at: string | null; none?: string }) {
  return props.at === null ? <span class="faint">{props.none ?? "never"}</span> : <Known at={props.at} form="ago" />;
}

/** "for 3 min": how long something has been so. */
export function Since(props: { at: string | null }) {
  return props.at === null ? <span class="faint">–</span> : <Known at={props.at} form="length" />;
}

function Known(props: { at: string; form: "ago" | "length" }) {
  const at = useSignal(Date.parse(props.at));
  at.value = Date.parse(props.at);
  const text = useComputed(() => {
    // What happened a moment ago by the server's clock may lie ahead of this one.
    const current = Math.max(now.value, Math.min(at.value, now.value + 60_000));
    return props.form === "ago" ? relative(at.value, current) : duration(current - at.value);
  });
  return (
    <time dateTime={props.at} title={absolute(Date.parse(props.at))}>
      {text}
    </time>
  );
}
