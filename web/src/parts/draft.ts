// A mailbox as somebody fills it in, and as the API is told of it. Pure.

import type { Description } from "../api/monitors";
import type { Candidate, Monitor, MonitorStatus, Protocol, Security } from "../api/types";

export interface Draft {
  name: string;
  protocol: Protocol;
  security: Security;
  hostname: string;
  port: string;
  user: string;
  password: string;
  mailbox: string;
  customerId: string;
  checkInterval: string;
  timeoutSeconds: string;
  verify: boolean;
  status: MonitorStatus;
  /** What the form does not show of a config, and keeps. */
  rest: Readonly<Record<string, unknown>>;
  passwordSet: boolean;
}

export const NEW: Draft = {
  name: "",
  protocol: "imap",
  security: "tls",
  hostname: "",
  port: "",
  user: "",
  password: "",
  mailbox: "",
  customerId: "",
  checkInterval: "5",
  timeoutSeconds: "30",
  verify: true,
  status: "active",
  rest: {},
  passwordSet: false,
};

const SHOWN = ["protocol", "security", "tls", "user", "password", "passwordSet", "mailbox", "tlsOptions"];
const DEFAULT_PORTS: Readonly<Record<string, number>> = { "imap tls": 993, "imap starttls": 143, "imap none": 143, "pop3 tls": 995, "pop3 starttls": 110, "pop3 none": 110 };

export function defaultPort(draft: Draft): number {
  return DEFAULT_PORTS[`${draft.protocol} ${draft.security}`] ?? 993;
}

/** Takes over what was found out about an address. */
export function withCandidate(draft: Draft, address: string, found: Candidate): Draft {
  return {
    ...draft,
    name: draft.name || address,
    protocol: found.protocol,
    security: found.security,
    hostname: found.hostname,
    port: String(found.port),
    user: found.user || draft.user || address,
  };
}

/** A stored monitor, to be changed. */
export function draftOf(monitor: Monitor): Draft {
  const config = monitor.config;
  const options = (config["tlsOptions"] ?? {}) as Record<string, unknown>;
  return {
    name: monitor.name,
    protocol: config["protocol"] === "pop3" ? "pop3" : "imap",
    security: (config["security"] as Security | undefined) ?? (config["tls"] === true ? "tls" : "none"),
    hostname: monitor.hostname,
    port: monitor.port === null ? "" : String(monitor.port),
    user: text(config["user"]),
    password: "",
    mailbox: text(config["mailbox"]),
    customerId: String(monitor.customerId),
    checkInterval: String(monitor.checkInterval),
    timeoutSeconds: String(monitor.timeoutSeconds),
    verify: options["rejectUnauthorized"] !== false,
    status: monitor.status,
    rest: { ...Object.fromEntries(Object.entries(config).filter(([name]) => !SHOWN.includes(name))), tlsOptions: options },
    passwordSet: config["passwordSet"] === true,
  };
}

/** What the API is sent; what is no number goes as it was typed, so that the API names the field. */
export function described(draft: Draft): Description {
  const { tlsOptions, ...rest } = draft.rest;
  const options = { ...((tlsOptions ?? {}) as Record<string, unknown>), rejectUnauthorized: draft.verify };
  return {
    customerId: Number(draft.customerId),
    name: draft.name.trim(),
    hostname: draft.hostname.trim(),
    port: draft.port.trim() === "" ? null : number(draft.port),
    status: draft.status,
    checkInterval: number(draft.checkInterval),
    timeoutSeconds: number(draft.timeoutSeconds),
    imapPopConfig: {
      ...rest,
      protocol: draft.protocol,
      security: draft.security,
      ...(draft.user === "" ? {} : { user: draft.user }),
      ...(draft.password === "" ? {} : { password: draft.password }),
      ...(draft.mailbox === "" ? {} : { mailbox: draft.mailbox }),
      ...(draft.security === "none" ? (tlsOptions ? { tlsOptions } : {}) : { tlsOptions: options }),
    },
  };
}

function number(typed: string): number {
  const value = Number(typed.replace(",", "."));
  return Number.isFinite(value) && typed.trim() !== "" ? value : (typed as unknown as number);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
