// Monitors and what became of them, as pages ask for it.

import { request } from "./client";
import type { Check, CheckHistory, ChecksTriggered, Customer, Details, Monitor, MonitorMade, MonitorPage, MonitorStatus, Trial } from "./types";

const MONITORS = "/api/imap-pop-monitors";
// A test answers after its own time-out of up to a minute and the waiting around it.
const TEST_DEADLINE_MS = 80_000;

export interface Wanted {
  search: string | null;
  health: string | null;
  status: string | null;
  customerId: string | null;
  tag: string | null;
  sort: string;
  page: number;
  perPage: number;
}

export function listMonitors(wanted: Wanted, signal: AbortSignal): Promise<MonitorPage> {
  return request("GET", MONITORS, { query: { ...wanted, view: "overview" }, signal });
}

export type Range = "day" | "week" | "month" | "year";

/** The chart's points are checks where there are not too many, else hours or days. */
export function monitorDetails(publicId: string, range: Range, signal: AbortSignal): Promise<Details> {
  const granularity = range === "day" ? "raw" : range === "week" ? "hour" : null;
  return request("GET", `${address(publicId)}/details`, { query: { range, granularity }, signal });
}

export function findMonitor(publicId: string, signal: AbortSignal): Promise<Monitor> {
  return request("GET", address(publicId), { signal });
}

/** The newest check that passed, however long ago. */
export async function lastGoodCheck(publicId: string, signal: AbortSignal): Promise<Check | null> {
  const query = { status: "success", limit: 1 };
  const found = await request<CheckHistory>("GET", `${address(publicId)}/check-history`, { query, signal });
  return found.data[0] ?? null;
}

export function checksBefore(publicId: string, cursor: string | null, signal?: AbortSignal): Promise<CheckHistory> {
  const asked = { query: { limit: 50, cursor } };
  return request("GET", `${address(publicId)}/check-history`, signal ? { ...asked, signal } : asked);
}

export function checkNow(publicId: string): Promise<ChecksTriggered> {
  return request("POST", `${address(publicId)}/trigger-check`);
}

export function setStatus(publicId: string, status: MonitorStatus): Promise<MonitorMade> {
  return request("PATCH", address(publicId), { body: { status } });
}

export function removeMonitor(publicId: string): Promise<unknown> {
  return request("DELETE", address(publicId), { keepalive: true });
}

/** What a monitor is told to be. */
export interface Description {
  customerId: number;
  name: string;
  hostname: string;
  port: number | null;
  status: MonitorStatus;
  checkInterval: number;
  timeoutSeconds: number;
  imapPopConfig: Record<string, unknown>;
}

export function tryMonitor(description: Description, signal: AbortSignal): Promise<Trial> {
  return request("POST", `${MONITORS}/test`, { body: description, signal, deadlineMs: TEST_DEADLINE_MS });
}

export function createMonitor(description: Description): Promise<MonitorMade> {
  return request("POST", MONITORS, { body: description });
}

export function changeMonitor(publicId: string, description: Description): Promise<MonitorMade> {
  return request("PATCH", address(publicId), { body: description });
}

export function listCustomers(signal: AbortSignal): Promise<Customer[]> {
  return request("GET", "/api/customers", { signal });
}

function address(publicId: string): string {
  return `${MONITORS}/${encodeURIComponent(publicId)}`;
}
