// Mailboxes as somebody pastes them: `address,password` a line, or a CSV with names over its columns. Pure.

import type { Protocol, Security } from "../api/types";

export interface PastedMailbox {
  line: number;
  address: string;
  user: string | null;
  password: string;
  name: string | null;
  hostname: string | null;
  port: number | null;
  protocol: Protocol | null;
  security: Security | null;
}

export interface Pasted {
  mailboxes: PastedMailbox[];
  faults: string[];
}

export const MOST_PASTED = 500;
// What columns are called, by what they hold.
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  address: ["address", "email", "e-mail", "mail"],
  user: ["user", "username", "login"],
  password: ["password", "pass"],
  name: ["name"],
  hostname: ["hostname", "host", "server"],
  port: ["port"],
  protocol: ["protocol", "type"],
  security: ["security", "encryption"],
};

export function pastedMailboxes(text: string): Pasted {
  const lines = text.split(/\r?\n/);
  const by = [";", "\t", ","].find((sign) => lines.find((line) => line.trim() !== "")?.includes(sign)) ?? ",";
  let columns: (string | null)[] | null = null;
  const mailboxes: PastedMailbox[] = [];
  const faults: string[] = [];
  for (const [place, line] of lines.entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const cells = cellsOf(line, by);
    if (columns === null) {
      const named = cells.map((cell) => Object.keys(COLUMNS).find((column) => COLUMNS[column]?.includes(cell.trim().toLowerCase())) ?? null);
      const isHeader = named.includes("address") || named.includes("user");
      columns = isHeader ? named : ["address", "password"];
      if (isHeader) continue;
    }
    const values = Object.fromEntries(columns.map((column, at) => [column ?? "", cells[at] ?? ""]));
    const found = mailboxOf(place + 1, values);
    if (typeof found === "string") faults.push(`Line ${place + 1}: ${found}`);
    else mailboxes.push(found);
  }
  if (mailboxes.length > MOST_PASTED) faults.push(`These are ${mailboxes.length} mailboxes; ${MOST_PASTED} at once are the most. More go by mailprobe monitors import.`);
  return { mailboxes: mailboxes.slice(0, MOST_PASTED), faults };
}

function mailboxOf(line: number, values: Readonly<Record<string, string>>): PastedMailbox | string {
  const text = (name: string): string | null => values[name]?.trim() || null;
  const address = text("address") ?? text("user") ?? "";
  if (!/^\S+@\S+$/.test(address) && text("hostname") === null) return "there is no e-mail address, and no host";
  // A password may begin or end with a space.
  const password = values["password"] ?? "";
  if (password === "") return `${address} has no password`;
  const port = text("port");
  if (port !== null && !/^\d{1,5}$/.test(port)) return `${port} is no port`;
  const protocol = text("protocol")?.toLowerCase() ?? null;
  if (protocol !== null && protocol !== "imap" && protocol !== "pop3") return `${protocol} is neither imap nor pop3`;
  const security = text("security")?.toLowerCase() ?? null;
  if (security !== null && security !== "tls" && security !== "starttls" && security !== "none") return `${security} is none of tls, starttls and none`;
  return { line, address, user: text("user"), password, name: text("name"), hostname: text("hostname"), port: port === null ? null : Number(port), protocol, security };
}

/** The cells of a line: what stands in quotes may hold the sign between them, and "" is a quote. */
function cellsOf(line: string, by: string): string[] {
  const cells: string[] = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const sign = line[at] ?? "";
    if (quoted && sign === '"' && line[at + 1] === '"') {
      cell += '"';
      at += 1;
    } else if (sign === '"' && (quoted || cell === "")) quoted = !quoted;
    else if (sign === by && !quoted) {
      cells.push(cell);
      cell = "";
    } else cell += sign;
  }
  return [...cells, cell];
}
