// How monitors are spoken of. Pure.

import type { Health, MonitorStatus } from "../api/types";

/** What is shown of a monitor: its health, unless it is not watched as usual. */
export type Standing = Health | "maintenance" | "paused";

export function standingOf(monitor: { health: Health; status: MonitorStatus }): Standing {
  if (monitor.status === "disabled") return "paused";
  return monitor.status === "maintenance" && monitor.health !== "up" ? "maintenance" : monitor.health;
}

/** A sign that differs in shape and not only in colour, and the word beside it. */
export const STANDINGS: Readonly<Record<Standing, { glyph: string; word: string }>> = {
  up: { glyph: "✓", word: "Up" },
  degraded: { glyph: "▲", word: "Degraded" },
  down: { glyph: "✕", word: "Down" },
  unknown: { glyph: "?", word: "Unknown" },
  maintenance: { glyph: "◆", word: "Maintenance" },
  paused: { glyph: "‖", word: "Paused" },
};

interface Described {
  hostname: string;
  port: number | null;
  config: Readonly<Record<string, unknown>>;
}

/** "mail.example.com:1993 · IMAP over TLS". */
export function endpointOf(monitor: Described): string {
  const host = monitor.port === null ? monitor.hostname : `${monitor.hostname}:${monitor.port}`;
  return `${host} · ${protocolOf(monitor)}`;
}

export function protocolOf(monitor: Described): string {
  const { protocol, security, tls } = monitor.config;
  const name = protocol === "pop3" ? "POP3" : "IMAP";
  const by = security ?? (tls === true ? "tls" : "none");
  return by === "tls" ? `${name} · TLS` : by === "starttls" ? `${name} · STARTTLS` : `${name} · no encryption`;
}

export const PHASES = ["dns", "connect", "tls", "greeting", "capability", "auth", "mailbox", "logout"] as const;

export const PHASE_WORDS: Readonly<Record<string, string>> = {
  dns: "Name look-up",
  connect: "Connection",
  tls: "TLS",
  greeting: "Greeting",
  capability: "Capabilities",
  auth: "Login",
  mailbox: "Mailbox",
  logout: "Goodbye",
};

/** The kind of a failure in two or three words: `auth_rejected` is "auth rejected". */
export function causeWords(cause: string): string {
  return cause.replaceAll("_", " ");
}
