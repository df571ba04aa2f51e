// Monitors and tags to choose from, by the numbers that other things name them by.

import { request } from "./client";

/** @schema MonitorItem */
export interface PickedMonitor {
  id: number;
  name: string;
}

/** @schema Tag */
export interface KnownTag {
  id: number;
  name: string;
}

/** Those that fit a search, the first two hundred. */
export async function pickMonitors(search: string, signal: AbortSignal): Promise<PickedMonitor[]> {
  const query = { search, perPage: 200, sort: "name" };
  return (await request<{ items: PickedMonitor[] }>("GET", "/api/imap-pop-monitors", { query, signal })).items;
}

export function listTags(signal: AbortSignal): Promise<KnownTag[]> {
  return request("GET", "/api/tags", { signal });
}
