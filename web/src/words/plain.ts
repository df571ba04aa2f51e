// Numbers and times as people read them. Pure.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "2 h 13 min": the two largest units. */
export function duration(ms: number): string {
  const length = Math.max(0, ms);
  if (length < MINUTE) return `${Math.floor(length / SECOND)} s`;
  if (length < HOUR) return `${Math.floor(length / MINUTE)} min`;
  if (length < DAY) return joined(Math.floor(length / HOUR), "h", Math.floor((length % HOUR) / MINUTE), "min");
  return joined(Math.floor(length / DAY), "d", Math.floor((length % DAY) / HOUR), "h");
}

/** "3 min ago", "in 2 h". */
export function relative(at: number, now: number): string {
  const distance = now - at;
  if (Math.abs(distance) < 5 * SECOND) return "just now";
  const length = duration(Math.abs(distance));
  return distance > 0 ? `${length} ago` : `in ${length}`;
}

/** The moment itself, by the clock of whoever looks. */
export function absolute(at: number): string {
  return new Date(at).toLocaleString(undefined, {
    dateStyle: "medium",
    timeStyle: "medium",
  });
}

/** "412 ms", "3.2 s". */
export function milliseconds(ms: number | null): string {
  if (ms === null) return "–";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** An uptime, never rounded up: 99.999 is no 100. */
export function percent(value: number | null): string {
  if (value === null) return "–";
  if (value >= 100) return "100 %";
  const digits = value >= 99 ? 100 : 10;
  return `${(Math.floor(value * digits) / digits).toFixed(digits === 100 ? 2 : 1)} %`;
}

/** "1 check", "3 checks". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
