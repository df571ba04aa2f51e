// How a window recurs, as the API keeps it and as people say it. Pure.

export const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
export const UNITS: Readonly<Record<string, string>> = { daily: "day", weekly: "week", monthly: "month" };

/** "every 2 weeks on Monday, Friday until 2026-12-31". */
export function recurrenceWords(pattern: Readonly<Record<string, unknown>>): string {
  const unit = UNITS[String(pattern["frequency"])] ?? "time";
  const interval = Number(pattern["interval"] ?? 1);
  const days = Array.isArray(pattern["daysOfWeek"]) ? pattern["daysOfWeek"].map((day) => DAYS[Number(day) % 7]) : [];
  const parts = [interval === 1 ? `every ${unit}` : `every ${interval} ${unit}s`];
  if (days.length > 0) parts.push(`on ${days.join(", ")}`);
  if (pattern["dayOfMonth"]) parts.push(`on day ${Number(pattern["dayOfMonth"])}`);
  if (pattern["endRecurrenceDate"]) parts.push(`until ${String(pattern["endRecurrenceDate"]).slice(0, 10)}`);
  return parts.join(" ");
}
