// The lists of an organization, all asked for in one way: all of it, one more, one changed, one less.

import { request } from "./client";
import type { IncidentDetails, IncidentPage, MaintenanceWindow } from "./incident_types";
import type {
  AuditPage,
  Channel,
  ChannelTested,
  Coverage,
  KnownCustomer,
  KnownOrganization,
  Location,
  OwnSession,
  Package,
  ResetLink,
  Summary,
  SystemState,
  Token,
  TokenCreated,
  User,
  UserInvited,
} from "./organization_types";

// A message tried out is awaited for up to 25 seconds by the API.
const TRIAL_DEADLINE_MS = 40_000;

export type Body = Readonly<Record<string, unknown>>;

export interface Collection<Item, Made = Item> {
  list: (signal?: AbortSignal) => Promise<Item[]>;
  make: (body: Body) => Promise<Made>;
  change: (id: string, body: Body) => Promise<Item>;
  remove: (id: string) => Promise<unknown>;
}

function collection<Item, Made = Item>(path: string): Collection<Item, Made> {
  return {
    list: (signal) => request("GET", path, signal ? { signal } : {}),
    make: (body) => request("POST", path, { body }),
    change: (id, body) => request("PATCH", one(path, id), { body }),
    remove: (id) => request("DELETE", one(path, id), { keepalive: true }),
  };
}

const WINDOWS = "/api/maintenance-windows";
const CHANNELS = "/api/notification-channels";
const CUSTOMERS = "/api/customers";
const USERS = "/api/users";
const INCIDENTS = "/api/incidents";

export const windows = collection<MaintenanceWindow>(WINDOWS);
export const channels = collection<Channel>(CHANNELS);
export const customers = collection<KnownCustomer>(CUSTOMERS);
export const users = collection<User, UserInvited>(USERS);
export const organizationTokens = collection<Token, TokenCreated>("/api/organization/tokens");
export const customerTokens = collection<Token, TokenCreated>("/api/customer/tokens");
export const ownSessions = collection<OwnSession>("/api/sessions");
export const packages = collection<Package>("/api/package-configs");
export const locations = collection<Location>("/api/locations");
export const organizations = collection<KnownOrganization>("/api/organizations");

/** What a window would be: everything is judged, nothing is kept. */
export function previewWindow(id: string | null, body: Body, signal: AbortSignal): Promise<MaintenanceWindow> {
  const asked = { body, signal, query: { dryRun: "true" } };
  return id === null ? request("POST", WINDOWS, asked) : request("PATCH", one(WINDOWS, id), asked);
}

/** Sends a message for real: to a stored channel by `channelId`, or to one that is only described. */
export function tryChannel(body: Body): Promise<ChannelTested> {
  return request("POST", `${CHANNELS}/test`, { body, deadlineMs: TRIAL_DEADLINE_MS });
}

export function coverage(signal: AbortSignal): Promise<Coverage> {
  return request("GET", "/api/notification-coverage", { signal });
}

export function summary(signal: AbortSignal): Promise<Summary> {
  return request("GET", "/api/summary", { signal });
}

/** How mailprobe itself is doing. */
export function systemState(signal: AbortSignal): Promise<SystemState> {
  return request("GET", "/api/system", { signal });
}

/** A customer leaves in some days, or stays after all. */
export function letLeave(id: string, leaves: boolean): Promise<unknown> {
  return request(leaves ? "POST" : "DELETE", `${one(CUSTOMERS, id)}/cancel`);
}

/** What was done last. */
export function audit(signal: AbortSignal): Promise<AuditPage> {
  return request("GET", "/api/audit", { query: { limit: 50 }, signal });
}

export function resetLink(id: string): Promise<ResetLink> {
  return request("POST", `${one(USERS, id)}/reset-link`);
}

export function changeOneself(body: Body): Promise<unknown> {
  return request("PATCH", "/api/session", { body });
}

export function signOutEverywhere(): Promise<unknown> {
  return request("DELETE", "/api/session", { query: { everywhere: "true" } });
}

export function listIncidents(status: string | null, page: number, perPage: number, signal: AbortSignal): Promise<IncidentPage> {
  const query = { status, limit: perPage, offset: (page - 1) * perPage, includeTotal: "1" };
  return request("GET", INCIDENTS, { query, signal });
}

export function findIncident(id: string, signal: AbortSignal): Promise<IncidentDetails> {
  return request("GET", one(INCIDENTS, id), { signal });
}

/** `acknowledge`, `notes`, `snooze`. */
export function onIncident(id: string, what: string, body?: Body): Promise<unknown> {
  return request("POST", `${one(INCIDENTS, id)}/${what}`, body ? { body } : {});
}

function one(path: string, id: string): string {
  return `${path}/${encodeURIComponent(id)}`;
}
