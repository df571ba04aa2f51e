// What the API says of incidents and maintenance, as far as pages use it; held against the document like types.ts.

import type { MonitorStatus } from "./types";

export type IncidentState = "open" | "resolved";
export type Resolution = "recovered" | "disabled" | "deleted";

/** @schema MonitorOfIncident */
export interface MonitorOfIncident {
  publicId: string;
  name: string;
  hostname: string;
  status: MonitorStatus | null;
}

/** @schema CustomerOfIncident */
export interface CustomerOfIncident {
  company: string | null;
}

/** The list speaks another dialect than the rest; that is how it is documented. */
export interface IncidentPage {
  incidents: IncidentItem[];
  total: number;
}

/** @schema IncidentItem */
export interface IncidentItem {
  public_id: string;
  status: IncidentState;
  outage_started_at: string;
  resolved_at: string | null;
  error_message: string;
  imapPopMonitor: MonitorOfIncident;
  customer: CustomerOfIncident;
  cause: string;
  resolution: Resolution | null;
  acknowledged_by: string | null;
  snoozed_until: string | null;
  quiet: boolean;
}

/** @schema Incident */
export interface Incident {
  imapPopMonitor: MonitorOfIncident;
  customer: CustomerOfIncident;
  status: IncidentState;
  startedAt: string;
  outageStartedAt: string;
  resolvedAt: string | null;
  recoveredAt: string | null;
  resolution: Resolution | null;
  errorMessage: string;
  cause: string;
  hint: string | null;
  serverWords: string | null;
  locationCodes: string[];
  group: GroupOfIncident | null;
  acknowledgedAt: string | null;
  acknowledgedBy: string | null;
  snoozedUntil: string | null;
  quiet: boolean;
}

/** @schema GroupOfIncident */
export interface GroupOfIncident {
  host: string;
  openMembers: number;
}

/** @schema IncidentDetails */
export interface IncidentDetails {
  incident: Incident;
  timeline: Timeline;
  evidenceCheck: EvidenceCheck | null;
}

/** @schema Timeline */
export interface Timeline {
  outageStartedCheck: TimelineCheck | null;
  confirmationAt: string;
  failedChecks: TimelineCheck[];
  failedChecksTotal: number;
  alertEvents: AlertEvent[];
  recoveryChecks: TimelineCheck[];
  recoveryChecksTotal: number;
  events: IncidentEvent[];
}

/** @schema TimelineCheck */
export interface TimelineCheck {
  id: string;
  checkedAt: string;
  status: "success" | "failure";
  errorMessage: string | null;
  responseTimeMs: number;
  location: PlaceOfCheck;
}

/** @schema EvidenceCheck */
export interface EvidenceCheck {
  id: string;
  checkedAt: string;
  status: "success" | "failure";
  errorMessage: string | null;
  responseTimeMs: number;
  location: PlaceOfCheck;
  diagnostics: Record<string, unknown> | null;
}

/** @schema PlaceOfCheck */
export interface PlaceOfCheck {
  name: string;
}

/** @schema AlertEvent */
export interface AlertEvent {
  sentAt: string | null;
  type: string;
  status: "pending" | "sent" | "failed";
  channelName: string;
  errorMessage: string | null;
  event: string;
  createdAt: string;
}

/** @schema IncidentEvent */
export interface IncidentEvent {
  at: string;
  kind: string;
  actor: string | null;
  text: string | null;
}

/** @schema MaintenanceWindow */
export interface MaintenanceWindow {
  publicId: string;
  customerId: number | null;
  name: string;
  description: string | null;
  startTime: string;
  endTime: string;
  timeZone: string;
  recurrencePattern: Record<string, unknown> | null;
  isActive: boolean;
  isOpen: boolean;
  upcoming: Occurrence[];
  targets: Target[];
  tags: NamedTag[];
}

/** @schema Occurrence */
export interface Occurrence {
  startTime: string;
  endTime: string;
}

/** @schema Target */
export interface Target {
  id: number;
}

/** @schema TagBrief */
export interface NamedTag {
  id: number;
  name: string;
}
