// What the API says of an organization: its channels, customers, people and tokens, and of where checks are made from.
// Held against the document like types.ts.

import type { GlobalRole, Protocol, Role } from "./types";

/** @schema Channel */
export interface Channel {
  id: number;
  publicId: string;
  customerId: number | null;
  type: ChannelType;
  name: string;
  config: Record<string, unknown>;
  hasSecret: boolean;
  delaySeconds: number;
  isActive: boolean;
  health: ChannelHealth;
  warnings: ChannelWarning[];
}

export type ChannelType = "email" | "webhook" | "alertmanager" | "slack" | "discord" | "teams" | "pagerduty" | "opsgenie" | "telegram" | "ntfy" | "pushover" | "gotify" | "matrix";

/** @schema ChannelHealth */
export interface ChannelHealth {
  lastSentAt: string | null;
  failures: number;
  lastError: string | null;
}

/** @schema ChannelWarning */
export interface ChannelWarning {
  code: string;
  text: string;
}

/** @schema ChannelTested */
export interface ChannelTested {
  success: boolean;
  message: string;
  error: string | null;
}

/** @schema Coverage */
export interface Coverage {
  nobodyWouldBeTold: boolean;
  customers: UnheardCustomer[];
}

/** @schema UnheardCustomer */
export interface UnheardCustomer {
  customerId: number;
  name: string;
  monitors: number;
}

/** @schema Customer */
export interface KnownCustomer {
  id: number;
  publicId: string;
  name: string;
  email: string | null;
  packageType: string | null;
  status: string;
  cancelsAt: string | null;
  allowedCheckCountryCodes: string[] | null;
  alertLocationThresholdCount: number | null;
}

/** @schema PackageConfig */
export interface Package {
  packageType: string;
  displayName: string | null;
  usedByCustomerCount: number;
  alertConsecutiveChecks: number;
  alertLocationThreshold: "any" | "majority" | "all";
  notificationDelayMinutes: number;
  alertReminderInterval: number;
}

/** @schema User */
export interface User {
  publicId: string;
  email: string;
  name: string;
  role: Role;
  globalRole: GlobalRole | null;
  customerIds: number[] | null;
  disabled: boolean;
  invited: boolean;
  lastSignInAt: string | null;
}

/** @schema UserInvited */
export interface UserInvited {
  email: string;
  invitationLink: string;
}

/** @schema ResetLink */
export interface ResetLink {
  link: string;
}

/** @schema Token */
export interface Token {
  publicId: string;
  customerId: number | null;
  name: string;
  role: Role;
  tokenHint: string;
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
}

/** @schema TokenCreated */
export interface TokenCreated {
  name: string;
  token: string;
}

/** @schema OwnSession */
export interface OwnSession {
  publicId: string;
  address: string;
  userAgent: string;
  createdAt: string;
  lastSeenAt: string;
  current: boolean;
}

/** Everything in a few numbers. */
export interface Summary {
  monitors: number;
  up: number;
  degraded: number;
  down: number;
  unknown: number;
  paused: number;
  openIncidents: number;
  lastCheckedAt: string | null;
}

/** @schema Location */
export interface Location {
  id: number;
  code: string;
  name: string;
  country: string | null;
  lastSeenAt: string | null;
  live: boolean;
  protocols: ProtocolAtLocation[];
}

/** @schema ProtocolAtLocation */
export interface ProtocolAtLocation {
  protocol: Protocol;
  live: boolean;
  workers: number;
  capacity: number;
  inFlight: number;
  lastSeenAt: string;
}

/** @schema AuditPage */
export interface AuditPage {
  items: AuditEntry[];
}

/** @schema AuditEntry */
export interface AuditEntry {
  id: number;
  at: string;
  actor: AuditActor;
  address: string | null;
  action: string;
  object: AuditObject;
}

/** @schema AuditActor */
export interface AuditActor {
  kind: ActorKind;
  name: string | null;
}

export type ActorKind = "token" | "user" | "operator" | "mailprobe" | "anybody";

/** @schema AuditObject */
export interface AuditObject {
  kind: string;
  name: string | null;
}

/** @schema Organization */
export interface KnownOrganization {
  id: number;
  name: string;
}

/** @schema SystemState */
export interface SystemState {
  schedule: ScheduleStanding;
  results: ResultStanding;
  canaries: Canary[];
  queues: Queues;
  notifier: NotifierStanding;
  retention: Retention;
}

/** @schema ScheduleStanding */
export interface ScheduleStanding {
  late: number;
  lagSeconds: number;
}

/** @schema ResultStanding */
export interface ResultStanding {
  waitSeconds: number | null;
  storeSeconds: number | null;
}

/** @schema CanaryStanding */
export interface Canary {
  location: string;
  protocol: Protocol;
  passed: boolean;
  message: string;
  storedAt: string;
  tookSeconds: number;
}

/** @schema QueuesStanding */
export interface Queues {
  problem: string | null;
  dead: number;
  consoleUrl: string | null;
  items: Queue[];
}

export type Attention = "well" | "look" | "act";

/** @schema QueueStanding */
export interface Queue {
  name: string;
  ready: number;
  unacknowledged: number | null;
  consumers: number;
  standing: Attention;
  meaning: string;
  consoleUrl: string | null;
}

/** @schema NotifierStanding */
export interface NotifierStanding {
  pending: number;
  oldestAt: string | null;
  unsent: number;
  unsentSince: string | null;
  failed: number;
}

/** @schema RetentionStanding */
export interface Retention {
  resultsFrom: string | null;
  resultsUntil: string | null;
  bytes: number;
  astray: boolean;
  resultsDays: number;
  hoursDays: number;
  historyDays: number;
  auditDays: number;
}
