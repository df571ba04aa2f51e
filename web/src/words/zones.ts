// Times of day by the clock of a zone, as a form's field holds them (2026-12-31T22:00), and the moments they are. Pure.

/** What the zone's clock shows at this moment; of a zone that is half typed, or none, what UTC's does. */
export function localText(at: number, zone: string): string {
  // Swedish writes 2026-12-31 22:00.
  return new Date(at).toLocaleString("sv-SE", { timeZone: sound(zone), dateStyle: "short", timeStyle: "short" }).replace(" ", "T");
}

/** The moment the zone's clock shows this; null where the text is no time. Of a time shown twice, the second. */
export function momentOf(text: string, zone: string): string | null {
  const asUtc = Date.parse(`${text}Z`);
  if (Number.isNaN(asUtc)) return null;
  const offset = (at: number): number => Date.parse(`${localText(at, zone)}Z`) - at;
  const near = asUtc - offset(asUtc);
  return new Date(asUtc - offset(near)).toISOString();
}

/** The zone of whoever looks. */
export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

export function knownZones(): string[] {
  return ["UTC", ...Intl.supportedValuesOf("timeZone")];
}

/** "Thu, 26 Nov 2026, 22:00", by the clock of a zone. */
export function dayAndTime(at: string, zone: string): string {
  return new Date(at).toLocaleString(undefined, { timeZone: sound(zone), weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
}

function sound(zone: string): string {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return "UTC";
  }
}
