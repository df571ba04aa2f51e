// Many mailboxes at once: pasted, each server found, each login tested, and those that work saved.

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiProblem, wordsOf } from "../api/client";
import { discover } from "../api/discovery";
import { useLoaded } from "../api/loading";
import { createMonitor, listCustomers, tryMonitor } from "../api/monitors";
import type { Candidate } from "../api/types";
import { TextArea, Tick } from "../parts/area";
import { type Draft, NEW, described, withCandidate } from "../parts/draft";
import { SelectField, TextField } from "../parts/field";
import { Listed } from "../parts/listed";
import { attempt, say } from "../parts/notices";
import { go } from "../routing";
import { counted, milliseconds } from "../words/plain";
import { type PastedMailbox, pastedMailboxes } from "../words/pasted";

// Mail servers count logins: two at a time, and a pause where the API asks for one.
const AT_ONCE = 2;
const PAUSE_MS = 300;
const LONGEST_WAIT_SECONDS = 90;

type State = { kind: "waiting" } | { kind: "testing" } | { kind: "paced"; until: number } | { kind: "works"; ms: number } | { kind: "fails"; why: string } | { kind: "saved" };

interface Row {
  draft: Draft;
  line: number;
  state: State;
}

export function AddMany() {
  const [text, setText] = useState("");
  const [faults, setFaults] = useState<readonly string[]>([]);
  const [rows, setRows] = useState<readonly Row[]>([]);
  const [busy, setBusy] = useState(false);
  const [failedToo, setFailedToo] = useState(false);
  const [customerId, setCustomerId] = useState("");
  const [interval, setInterval] = useState("5");
  const customers = useLoaded(listCustomers, []);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  const owner = customerId || String(customers.value?.[0]?.id ?? "");
  const mark = (place: number, state: State): void => setRows((before) => before.map((row, at) => (at === place ? { ...row, state } : row)));

  const test = async (): Promise<void> => {
    stop.current.abort();
    stop.current = new AbortController();
    const { signal } = stop.current;
    const pasted = pastedMailboxes(text);
    setFaults(pasted.faults);
    setRows([]);
    setBusy(true);
    await attempt(async () => {
      const found = new Map<string, Promise<readonly Candidate[]>>();
      const drafts = await eachOf(pasted.mailboxes, AT_ONCE, async (mailbox) => ({ ...(await draftOf(mailbox, found, signal)), customerId: owner, checkInterval: interval }));
      if (signal.aborted) return;
      setRows(drafts.map((draft, place) => ({ draft, line: pasted.mailboxes[place]?.line ?? 0, state: { kind: "waiting" } })));
      await eachOf(drafts, AT_ONCE, (draft, place) => testOne(draft, signal, (state) => mark(place, state)));
    });
    if (!signal.aborted) setBusy(false);
  };
  const save = async (): Promise<void> => {
    setBusy(true);
    let saved = 0;
    await eachOf(rows, AT_ONCE, async (row, place) => {
      const works = row.state.kind === "works";
      if (!works && !(failedToo && row.state.kind === "fails")) return;
      try {
        await createMonitor({ ...described(row.draft), status: works ? "active" : "disabled" });
        saved += 1;
        mark(place, { kind: "saved" });
      } catch (error) {
        mark(place, { kind: "fails", why: wordsOf(error) });
      }
    });
    setBusy(false);
    say(`${counted(saved, "mailbox", "mailboxes")} saved.`);
    if (saved === rows.length) go("/");
  };
  const count = (kind: State["kind"]): number => rows.filter((row) => row.state.kind === kind).length;
  const tested = rows.length > 0 && !busy;
  const savable = count("works") + (failedToo ? count("fails") : 0);
  return (
    <>
      <h1>Add many mailboxes</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void test();
        }}
      >
        <TextArea label="Mailboxes" rows={8} required value={text} wrong={null} placeholder={"anna@example.com,her password\nben@example.com,his password"} hint="An address and its password a line; or CSV whose first line names its columns: address, password, user, name, host, port, protocol, security." onText={setText} />
        <div class="row">
          {(customers.value?.length ?? 0) > 1 && <SelectField label="Customer" value={owner} options={(customers.value ?? []).map((customer) => [String(customer.id), customer.name] as const)} onText={setCustomerId} />}
          <TextField label="Check every … minutes" inputMode="decimal" value={interval} onText={setInterval} />
        </div>
        {faults.length > 0 && (
          <ul class="fault">
            {faults.map((fault) => (
              <li key={fault}>{fault}</li>
            ))}
          </ul>
        )}
        <div class="actions">
          <button type="submit" class={tested ? "" : "primary"} disabled={busy || owner === ""}>
            {busy ? "One moment …" : "Test all"}
          </button>
          {tested && savable > 0 && (
            <button type="button" class="primary" onClick={() => void save()}>
              Save {counted(savable, "mailbox", "mailboxes")}
            </button>
          )}
        </div>
      </form>
      {rows.length > 0 && (
        <>
          <p role="status">
            {counted(rows.length, "mailbox", "mailboxes")}: {count("works")} work, {count("fails")} fail, {count("saved")} saved, {count("waiting") + count("testing") + count("paced")} to go.
          </p>
          {count("fails") > 0 && <Tick label="Save those that failed as well, paused" checked={failedToo} onTick={setFailedToo} />}
          <Listed
            name="Mailboxes"
            items={rows}
            idOf={(row) => String(row.line)}
            columns={[
              ["Mailbox", (row) => row.draft.name],
              ["Server", (row) => row.draft.hostname ? `${row.draft.hostname}${row.draft.port && `:${row.draft.port}`} · ${row.draft.protocol.toUpperCase()}` : "not found"],
              ["Result", (row) => <Result state={row.state} />],
            ]}
          />
        </>
      )}
    </>
  );
}

function Result({ state }: { state: State }) {
  switch (state.kind) {
    case "waiting":
      return <span class="faint">waits</span>;
    case "testing":
      return <span>logs in …</span>;
    case "paced":
      return <span class="faint">waits until the server may be asked again</span>;
    case "works":
      return <span class="standing up">✓ Works, {milliseconds(state.ms)}</span>;
    case "saved":
      return <span class="standing up">✓ Saved</span>;
    case "fails":
      return (
        <>
          <span class="standing down">✕ Fails</span>
          <span class="detail">{state.why}</span>
        </>
      );
  }
}

/** Where a mailbox most likely is; a domain is asked about once. */
async function draftOf(mailbox: PastedMailbox, found: Map<string, Promise<readonly Candidate[]>>, signal: AbortSignal): Promise<Draft> {
  const { address } = mailbox;
  const own: Partial<Draft> = {
    name: mailbox.name ?? address,
    user: mailbox.user ?? address,
    password: mailbox.password,
    ...(mailbox.hostname ? { hostname: mailbox.hostname } : {}),
    ...(mailbox.protocol ? { protocol: mailbox.protocol } : {}),
    ...(mailbox.security ? { security: mailbox.security } : {}),
    ...(mailbox.port ? { port: String(mailbox.port) } : {}),
  };
  if (mailbox.hostname) return { ...NEW, ...own };
  const domain = address.slice(address.lastIndexOf("@") + 1).toLowerCase();
  if (!found.has(domain)) found.set(domain, discover(address, signal).then(({ candidates }) => candidates.map((candidate) => ({ ...candidate, user: candidate.user === address ? "" : "local" })), () => []));
  const candidates = (await found.get(domain)) ?? [];
  const fitting = candidates.find(({ protocol, security }) => (!mailbox.protocol || protocol === mailbox.protocol) && (!mailbox.security || security === mailbox.security));
  if (!fitting) return { ...NEW, ...own };
  const user = mailbox.user ?? (fitting.user === "" ? address : address.slice(0, address.lastIndexOf("@")));
  return { ...withCandidate(NEW, address, fitting), ...own, user };
}

async function testOne(draft: Draft, signal: AbortSignal, tell: (state: State) => void): Promise<void> {
  if (draft.hostname === "") return tell({ kind: "fails", why: "No mail server was found: name it in a column host." });
  for (let tries = 0; !signal.aborted; tries += 1) {
    tell({ kind: "testing" });
    try {
      const { success, result } = await tryMonitor(described(draft), signal);
      tell(success ? { kind: "works", ms: result.timingImapPop } : { kind: "fails", why: result.errorMessage ?? "The check failed." });
      return pause(PAUSE_MS, signal);
    } catch (error) {
      const wait = error instanceof ApiProblem && error.status === 429 ? error.retryAfterSeconds : null;
      if (wait === null || wait > LONGEST_WAIT_SECONDS || tries > 5) return tell({ kind: "fails", why: error instanceof ApiProblem ? (error.faults[0]?.detail ?? error.message) : wordsOf(error) });
      tell({ kind: "paced", until: Date.now() + wait * 1000 });
      await pause(wait * 1000, signal);
    }
  }
}

/** Does it with each, so many at a time, in order. */
async function eachOf<Item, Made>(items: readonly Item[], atOnce: number, act: (item: Item, place: number) => Promise<Made>): Promise<Made[]> {
  const made: Made[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const place = next;
      next += 1;
      made[place] = await act(items[place] as Item, place);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return made;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
