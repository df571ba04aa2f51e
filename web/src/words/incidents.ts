// What happened in the course of an incident, in order and in words. Pure.

import type { IncidentDetails, TimelineCheck } from "../api/incident_types";
import { counted, milliseconds } from "./plain";

export interface Step {
  at: string;
  glyph: string;
  text: string;
  /** Words of a person, or of a server. */
  quoted: string | null;
}

const FEW = 3;

const EVENTS: Readonly<Record<string, string>> = {
  acknowledged: "acknowledged it",
  snoozed: "asked for no reminders",
  note: "wrote",
};

/** From the first failed check to the end; of many checks alike only the first few. */
export function stepsOf({ incident, timeline }: IncidentDetails): Step[] {
  const steps: Step[] = [{ at: timeline.confirmationAt, glyph: "✕", text: "The outage was confirmed", quoted: null }];
  const first = timeline.outageStartedCheck;
  if (first) steps.push({ ...ofCheck(first), text: `First failed check, ${where(first)}` });
  const others = timeline.failedChecks.filter((check) => check.id !== first?.id);
  steps.push(...others.slice(0, FEW).map(ofCheck), ...rest(others, timeline.failedChecksTotal - (first ? 1 : 0), "failed check"));
  steps.push(...timeline.recoveryChecks.slice(0, FEW).map(ofCheck), ...rest(timeline.recoveryChecks, timeline.recoveryChecksTotal, "passed check"));
  for (const alert of timeline.alertEvents) {
    const how = { sent: "Told", failed: "Could not tell", pending: "Is telling" }[alert.status];
    steps.push({ at: alert.sentAt ?? alert.createdAt, glyph: alert.status === "failed" ? "▲" : "✉", text: `${how} ${alert.channelName} (${alert.type}): ${alert.event}`, quoted: alert.errorMessage });
  }
  for (const event of timeline.events) {
    if (event.kind === "opened" || event.kind === "resolved") continue; // said above and below, in more words
    const did = EVENTS[event.kind] ?? event.kind.replaceAll("_", " ");
    steps.push({ at: event.at, glyph: event.kind === "note" ? "✎" : "•", text: event.actor ? `${event.actor} ${did}` : did, quoted: event.text });
  }
  if (incident.resolvedAt) steps.push({ at: incident.resolvedAt, glyph: "✓", text: ENDS[incident.resolution ?? "recovered"], quoted: null });
  return steps.map((step, place) => ({ step, place })).sort((one, other) => Date.parse(one.step.at) - Date.parse(other.step.at) || one.place - other.place).map(({ step }) => step);
}

export const ENDS = { recovered: "Recovered", disabled: "Ended: the monitor was paused", deleted: "Ended: the monitor was deleted" };

function ofCheck(check: TimelineCheck): Step {
  const passed = check.status === "success";
  return { at: check.checkedAt, glyph: passed ? "✓" : "✕", text: `${passed ? "Passed" : "Failed"}, ${where(check)}`, quoted: check.errorMessage };
}

function where(check: TimelineCheck): string {
  return `from ${check.location.name || "an unknown location"}, in ${milliseconds(check.responseTimeMs)}`;
}

function rest(checks: readonly TimelineCheck[], total: number, one: string): Step[] {
  const last = checks.at(-1);
  const left = total - Math.min(FEW, checks.length);
  return last && left > 0 ? [{ at: last.checkedAt, glyph: "…", text: `${counted(left, `more ${one}`)}`, quoted: null }] : [];
}
