// A monitor to take along: as the request, the command or the file that would make it. Pure.

import type { Monitor } from "../api/types";

export interface Copies {
  curl: string;
  command: string;
  yaml: string;
}

// The API never tells a password, so that whoever takes a monitor along has to bring it.
const PASSWORD = "<password>";

export function copiesOf(monitor: Monitor, origin: string): Copies {
  const { passwordSet, password: _, ...config } = monitor.config;
  const { name, hostname, port, status, checkInterval, timeoutSeconds, customerId } = monitor;
  const body = { customerId, name, hostname, port, status, checkInterval, timeoutSeconds, imapPopConfig: { ...config, ...(passwordSet ? { password: PASSWORD } : {}) } };
  const options = (config["tlsOptions"] ?? {}) as Record<string, unknown>;
  const flags: [flag: string, value: unknown][] = [
    ["--name", name],
    ["--customer", customerId],
    ["--protocol", config["protocol"]],
    ["--security", config["security"]],
    ["--port", port],
    ["--user", config["user"]],
    ["--mailbox", config["mailbox"] === "INBOX" ? null : config["mailbox"]],
    ["--every", checkInterval],
    ["--timeout", timeoutSeconds],
  ];
  const given = flags.filter(([, value]) => value !== null && value !== undefined).map(([flag, value]) => `${flag} ${quoted(String(value))}`);
  if (options["rejectUnauthorized"] === false) given.push("--no-verify");
  const entry: [string, unknown][] = [
    ["name", name],
    ["customer", String(customerId)],
    ["hostname", hostname],
    ["port", port],
    ["protocol", config["protocol"]],
    ["security", config["security"]],
    ["user", config["user"]],
    ["mailbox", config["mailbox"]],
    ["verifyCertificate", options["rejectUnauthorized"] === false ? false : null],
    ["status", status],
    ["checkInterval", checkInterval],
    ["timeoutSeconds", timeoutSeconds],
  ];
  // What JSON calls a string, YAML does as well.
  const lines = entry.filter(([, value]) => value !== null && value !== undefined).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  if (passwordSet) lines.push("password: {env: MAILBOX_PASSWORD}");
  return {
    curl: `curl ${quoted(`${origin}/api/imap-pop-monitors`)} \\\n  -H "Authorization: Bearer $MAILPROBE_TOKEN" \\\n  -H 'Content-Type: application/json' \\\n  -d ${quoted(JSON.stringify(body, null, 2))}`,
    command: ["mailprobe monitors add", ...given, quoted(hostname)].join(" \\\n  "),
    yaml: `monitors:\n  - ${lines.join("\n    ")}`,
  };
}

/** One word of a shell, whatever it holds. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
