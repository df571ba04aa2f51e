// What the API's bodies carry, as far as pages use it. A test holds every interface against the OpenAPI document by
// the schema its comment names, so that neither can drift from the other.

export type Health = "up" | "degraded" | "down" | "unknown";
export type MonitorStatus = "active" | "maintenance" | "disabled";
export type CheckState = "up" | "degraded" | "down" | "unknown";
export type Security = "tls" | "starttls" | "none";
export type Protocol = "imap" | "pop3";
export type Role = "admin" | "user" | "readonly" | "supporter";
export type GlobalRole = "supporter" | "admin";

/** @schema MonitorPage */
export interface MonitorPage {
  items: MonitorItem[];
  total: number;
  page: number;
  perPage: number;
}

/** @schema MonitorItem */
export interface MonitorItem {
  publicId: string;
  name: string;
  hostname: string;
  port: number | null;
  status: MonitorStatus;
  config: Record<string, unknown>;
  lastCheckedAt: string | null;
  health: Health;
  healthSince: string | null;
  healthMessage: string | null;
  customerName: string;
  tags: Tag[];
  overview: Overview | null;
}

/** @schema TagBrief */
export interface Tag {
  id: number;
  name: string;
}

/** @schema Overview */
export interface Overview {
  recent: CheckState[];
  p50Ms: number | null;
  p95Ms: number | null;
  uptimeDay: number | null;
  uptimeMonth: number | null;
  certificateDaysLeft: number | null;
}

/** @schema MonitorDetails */
export interface Monitor {
  publicId: string;
  customerId: number;
  name: string;
  hostname: string;
  port: number | null;
  checkInterval: number;
  timeoutSeconds: number;
  status: MonitorStatus;
  config: Record<string, unknown>;
  lastCheckedAt: string | null;
  health: Health;
  healthSince: string | null;
  healthMessage: string | null;
  tags: Tag[];
  warnings: MonitorWarning[];
}

/** @schema MonitorAnswer */
export interface MonitorMade {
  publicId: string;
  name: string;
  status: MonitorStatus;
  warnings: MonitorWarning[];
}

/** @schema MonitorWarning */
export interface MonitorWarning {
  code: string;
  text: string;
}

/** @schema HistoryDetails */
export interface Details {
  monitor: Monitor;
  uptimeStats: UptimeStats;
  monitoringData: ChartPoint[];
  monitoringDataMeta: ChartMeta;
  incidents: PastIncident[];
  alerts: PastAlert[];
  testResultLog: Check[];
  maintenance: Maintenance;
}

/** @schema UptimeStats */
export interface UptimeStats {
  day: number | null;
  week: number | null;
  month: number | null;
  quarter: number | null;
  year: number | null;
}

/** @schema ChartPoint */
export interface ChartPoint {
  checkedAt: string;
  status: "success" | "failure" | null;
  timingImapPop: number | null;
  errorMessage: string | null;
  cause: string | null;
  locationName: string | null;
  phasesMs: Record<string, number> | null;
  certificate: string | null;
  checks: number | null;
  failures: number | null;
  minTiming: number | null;
  maxTiming: number | null;
}

/** @schema MonitoringDataMeta */
export interface ChartMeta {
  since: string;
  until: string;
  granularity: "raw" | "hour" | "day";
  truncated: boolean;
}

/** @schema PastIncident */
export interface PastIncident {
  publicId: string;
  status: "active" | "resolved";
  startedAtIso: string;
  endedAtIso: string | null;
  durationMs: number;
  outageStartedAtIso: string;
  isOngoing: boolean;
  cause: string;
  details: string;
}

/** @schema PastAlert */
export interface PastAlert {
  id: number;
  type: string;
  status: "sent" | "failed";
  channelName: string;
  sentAt: string | null;
  errorMessage: string | null;
  event: string;
}

/** @schema MaintenanceShown */
export interface Maintenance {
  inMaintenance: boolean;
  allWindows: ShownWindow[];
}

/** @schema ShownWindow */
export interface ShownWindow {
  publicId: string;
  name: string;
  startTime: string;
  endTime: string;
}

/** @schema CheckHistory */
export interface CheckHistory {
  data: Check[];
  nextCursor: string | null;
}

/** @schema CheckAnswer */
export interface Check {
  id: string;
  status: "success" | "failure";
  errorMessage: string | null;
  warningMessage: string | null;
  timingImapPop: number;
  diagnostics: Record<string, unknown>;
  checkedAt: string;
  locationName: string;
}

/** @schema TestAnswer */
export interface Trial {
  success: boolean;
  health: Health;
  result: Check;
  warnings: MonitorWarning[];
}

/** @schema ChecksTriggered */
export interface ChecksTriggered {
  locationCodes: string[];
}

/** @schema Customer */
export interface Customer {
  id: number;
  publicId: string;
  name: string;
}

/** What a check saw; the document leaves it open, `diagnostics_of` says what is in it. */
export interface Diagnostics {
  outcomeClass: string;
  phase: string;
  hint: string | null;
  serverWords: string | null;
  phasesMs: Record<string, number>;
  totalMs: number;
  address: string | null;
  certificate: Certificate | null;
  warnings: MonitorWarning[];
  transcript: string | null;
  withheld: boolean;
}

/** The server's certificate as a check met it. */
export interface Certificate {
  subject: string;
  subjectAlternativeNames: string[];
  issuer: string;
  fingerprintSha256: string;
  notBeforeMs: number;
  notAfterMs: number;
  chain: string[];
  tlsVersion: string;
  cipher: string;
  verified: boolean;
  verifyError: string | null;
}

/** @schema SessionState */
export interface Session {
  authenticated: boolean;
  setUpNeeded: boolean;
  insecure: boolean;
  user: Person | null;
  organization: NamedOrganization | null;
}

/** @schema SignedIn */
export interface Person {
  email: string;
  name: string;
  role: Role;
  globalRole: GlobalRole | null;
  organizationId: number;
}

/** @schema ActingFor */
export interface NamedOrganization {
  id: number;
  name: string;
}

/** @schema Discovered */
export interface Discovery {
  address: string;
  provider: Provider | null;
  candidates: Candidate[];
}

/** @schema Provider */
export interface Provider {
  name: string;
  advice: string | null;
  helpUrl: string | null;
}

/** @schema Candidate */
export interface Candidate {
  protocol: Protocol;
  hostname: string;
  port: number;
  security: Security;
  user: string;
  source: "srv" | "autoconfig" | "provider" | "guess";
  warning: string | null;
}
