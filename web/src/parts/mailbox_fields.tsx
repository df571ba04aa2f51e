// The fields of a mailbox: where it is, who logs in, how often.

import type { ApiProblem } from "../api/client";
import type { Customer, Protocol, Security } from "../api/types";
import { type Draft, defaultPort } from "./draft";
import { SelectField, TextField } from "./field";

interface Props {
  draft: Draft;
  change: (changes: Partial<Draft>) => void;
  problem: ApiProblem | null;
  customers: readonly Customer[];
}

export function MailboxFields({ draft, change, problem, customers }: Props) {
  const about = (pointer: string): string | null => problem?.about(pointer) ?? null;
  const config = (name: string): string | null => about(`/imapPopConfig/${name}`) ?? about(`/config/${name}`);
  return (
    <>
      <div class="row">
        <SelectField label="Protocol" value={draft.protocol} options={[["imap", "IMAP"], ["pop3", "POP3"]]} wrong={config("protocol")} onText={(text) => change({ protocol: text as Protocol, port: "" })} />
        <SelectField
          label="Encryption"
          value={draft.security}
          options={[
            ["tls", "TLS"],
            ["starttls", "STARTTLS"],
            ["none", "None"],
          ]}
          wrong={config("security")}
          onText={(text) => change({ security: text as Security, port: "" })}
        />
      </div>
      <div class="row">
        <TextField label="Host name" required name="hostname" autocapitalize="none" spellcheck={false} value={draft.hostname} wrong={about("/hostname")} onText={(hostname) => change({ hostname })} />
        <TextField label="Port" name="port" inputMode="numeric" placeholder={String(defaultPort(draft))} value={draft.port} wrong={about("/port")} onText={(port) => change({ port })} />
      </div>
      <div class="row">
        <TextField label="User" name="user" autocomplete="off" autocapitalize="none" spellcheck={false} value={draft.user} wrong={config("user")} hint="Without a user the check ends after the greeting." onText={(user) => change({ user })} />
        <TextField
          label="Password"
          type="password"
          name="mailbox-password"
          autocomplete="off"
          placeholder={draft.passwordSet ? "kept as it is" : ""}
          value={draft.password}
          wrong={config("password")}
          hint={draft.passwordSet ? "Needed again where host, port, encryption or user change." : "Kept sealed: only the workers that log in can open it."}
          onText={(password) => change({ password })}
        />
      </div>
      <TextField label="Name" required name="monitor-name" value={draft.name} wrong={about("/name")} hint="What it is called in lists and messages." onText={(name) => change({ name })} />
      {customers.length > 1 && (
        <SelectField label="Customer" value={draft.customerId} options={customers.map((customer) => [String(customer.id), customer.name] as const)} wrong={about("/customerId")} onText={(customerId) => change({ customerId })} />
      )}
      <div class="row">
        <TextField label="Check every … minutes" name="interval" inputMode="decimal" value={draft.checkInterval} wrong={about("/checkInterval")} onText={(checkInterval) => change({ checkInterval })} />
        <TextField label="Give up after … seconds" name="timeout" inputMode="numeric" value={draft.timeoutSeconds} wrong={about("/timeoutSeconds")} onText={(timeoutSeconds) => change({ timeoutSeconds })} />
      </div>
      <details>
        <summary>More</summary>
        {draft.protocol === "imap" && <TextField label="Mailbox" name="mailbox" placeholder="INBOX" value={draft.mailbox} wrong={config("mailbox")} hint="Which folder is opened, read-only." onText={(mailbox) => change({ mailbox })} />}
        {draft.security !== "none" && (
          <label class="check">
            <input type="checkbox" checked={draft.verify} onChange={(event) => change({ verify: event.currentTarget.checked })} /> The certificate must be good
          </label>
        )}
      </details>
    </>
  );
}
