// A new mailbox, or a changed one: find its server, fill in the rest, test it for real, save it.

import { useEffect, useState } from "preact/hooks";
import { ApiProblem, wordsOf } from "../api/client";
import { useLoaded } from "../api/loading";
import { changeMonitor, createMonitor, findMonitor, listCustomers } from "../api/monitors";
import { type Draft, NEW, described, draftOf, withCandidate } from "../parts/draft";
import { FindServer } from "../parts/find_server";
import { MailboxFields } from "../parts/mailbox_fields";
import { say } from "../parts/notices";
import { Problem } from "../parts/problem";
import { TrialShown, useTrial } from "../parts/trial";
import { go } from "../routing";

export function AddMailbox() {
  return <MailboxForm publicId={null} start={NEW} />;
}

export function EditMailbox(props: { id: string }) {
  const found = useLoaded((signal) => findMonitor(props.id, signal), [props.id]);
  if (!found.value) return <Problem problem={found.problem} again={found.again} />;
  return <MailboxForm publicId={props.id} start={draftOf(found.value)} />;
}

function MailboxForm(props: { publicId: string | null; start: Draft }) {
  const [draft, setDraft] = useState(props.start);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);
  const [pausedIfRed, setPausedIfRed] = useState(true);
  const trial = useTrial();
  const customers = useLoaded(listCustomers, []);
  const first = customers.value?.[0];
  useEffect(() => {
    if (first && draft.customerId === "") setDraft((before) => ({ ...before, customerId: String(first.id) }));
  }, [first]);

  const change = (changes: Partial<Draft>): void => {
    setDraft((before) => ({ ...before, ...changes }));
    trial.forget(); // what was tested is not what stands here any more
  };
  const red = trial.state.kind === "done" && !trial.state.trial.success;
  const testProblem = trial.state.kind === "failed" ? trial.state.problem : null;
  const cannotTest = props.publicId !== null && draft.passwordSet && draft.password === "";
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const sent = { ...described(draft), ...(red && pausedIfRed ? { status: "disabled" as const } : {}) };
      const saved = props.publicId === null ? await createMonitor(sent) : await changeMonitor(props.publicId, sent);
      go(`/monitors/${saved.publicId}`);
      say(saved.status === "disabled" ? `${saved.name} is saved and paused.` : `${saved.name} is saved.`);
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error : new ApiProblem(0, wordsOf(error)));
      setBusy(false);
    }
  };
  return (
    <div class="narrow">
      <h1>{props.publicId === null ? "Add a mailbox" : `Change ${props.start.name}`}</h1>
      {props.publicId === null && (
        <p>
          Many of them? <a href="/add/many">Paste a list</a>.
        </p>
      )}
      {props.publicId === null && (
        <FindServer
          take={(address, found) => {
            trial.forget();
            setDraft((before) => withCandidate(before, address, found));
          }}
          takeAddress={(address) => setDraft((before) => ({ ...before, user: before.user || address, name: before.name || address }))}
        />
      )}
      <form onSubmit={(event) => void save(event)}>
        <MailboxFields draft={draft} change={change} problem={problem ?? testProblem} customers={customers.value ?? []} />
        <Problem problem={problem ?? testProblem ?? customers.problem} />
        <TrialShown state={trial.state} />
        {red && (
          <label class="check">
            <input type="checkbox" checked={pausedIfRed} onChange={(event) => setPausedIfRed(event.currentTarget.checked)} /> Save it paused, since the test failed
          </label>
        )}
        <div class="actions">
          <button type="button" disabled={cannotTest || trial.state.kind === "running"} onClick={() => (setProblem(null), trial.run({ ...described(draft), status: "active" }))}>
            {trial.state.kind === "running" ? "Testing …" : "Test"}
          </button>
          <button type="submit" class="primary" disabled={busy}>
            {busy ? "Saving …" : red && pausedIfRed ? "Save paused" : "Save"}
          </button>
          {cannotTest && <span class="hint">To test, type the password again.</span>}
        </div>
      </form>
    </div>
  );
}
