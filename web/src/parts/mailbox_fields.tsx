// The fields of a mailbox: where it is, who logs in, how often.

import type { ApiProblem } from "../api/client";
import type { Customer } from "../api/types";
import { type Draft, defaultPort } from "./draft";
import { customerChoices, type useForm } from "./sending";

interface Props {
  form: ReturnType<typeof useForm<Draft>>;
  /** Of saving or of testing. */
  problem: ApiProblem | null;
  customers: readonly Customer[];
}

export function MailboxFields({ form, problem, customers }: Props) {
  const { draft, change, text, choice, tick } = form;
  const about = (name: string) => ({ wrong: problem?.about(`/${name}`) ?? null });
  const config = (name: string) => ({ wrong: about(`imapPopConfig/${name}`).wrong ?? about(`config/${name}`).wrong });
  const own = { autocomplete: "off", autocapitalize: "none", spellcheck: false } as const;
  // Another protocol or encryption has another usual port.
  const anew = (name: "protocol" | "security") => ({ ...config(name), onText: (chosen: string) => change({ [name]: chosen, port: "" }) });
  return (
    <>
      <div class="row">
        {choice("protocol", "Protocol", [["imap", "IMAP"], ["pop3", "POP3"]], anew("protocol"))}
        {choice("security", "Encryption", [["tls", "TLS"], ["starttls", "STARTTLS"], ["none", "None"]], anew("security"))}
      </div>
      <div class="row">
        {text("hostname", "Host name", { ...own, required: true, ...about("hostname") })}
        {text("port", "Port", { inputMode: "numeric", placeholder: String(defaultPort(draft)), ...about("port") })}
      </div>
      <div class="row">
        {text("user", "User", { ...own, hint: "Without a user the check ends after the greeting.", ...config("user") })}
        {text("password", "Password", {
          type: "password",
          name: "mailbox-password",
          autocomplete: "off",
          placeholder: draft.passwordSet ? "kept as it is" : "",
          hint: draft.passwordSet ? "Needed again where host, port, encryption or user change." : "Kept sealed: only the workers that log in can open it.",
          ...config("password"),
        })}
      </div>
      {text("name", "Name", { name: "monitor-name", required: true, hint: "What it is called in lists and messages.", ...about("name") })}
      {customers.length > 1 && choice("customerId", "Customer", customerChoices(customers, null), about("customerId"))}
      <div class="row">
        {text("checkInterval", "Check every … minutes", { inputMode: "decimal", ...about("checkInterval") })}
        {text("timeoutSeconds", "Give up after … seconds", { inputMode: "numeric", ...about("timeoutSeconds") })}
      </div>
      <details>
        <summary>More</summary>
        {draft.protocol === "imap" && text("mailbox", "Mailbox", { placeholder: "INBOX", hint: "Which folder is opened, read-only.", ...config("mailbox") })}
        {draft.security !== "none" && tick("verify", "The certificate must be good")}
      </details>
    </>
  );
}
