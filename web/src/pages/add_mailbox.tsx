// A new mailbox, or a changed one: find its server, fill in the rest, test it for real, save it.

import { useEffect, useState } from "preact/hooks";
import { useLoaded } from "../api/loading";
import { changeMonitor, createMonitor, findMonitor, listCustomers } from "../api/monitors";
import { Tick } from "../parts/area";
import { type Draft, NEW, described, draftOf, withCandidate } from "../parts/draft";
import { FindServer } from "../parts/find_server";
import { MailboxFields } from "../parts/mailbox_fields";
import { say } from "../parts/notices";
import { Problem } from "../parts/problem";
import { Form, useForm } from "../parts/sending";
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

function MailboxForm({ publicId, start }: { publicId: string | null; start: Draft }) {
  const form = useForm(() => start);
  const { draft, change, sending } = form;
  const [pausedIfRed, setPausedIfRed] = useState(true);
  const trial = useTrial();
  const customers = useLoaded(listCustomers, []);
  const first = customers.value?.[0];
  useEffect(() => {
    if (first && draft.customerId === "") change({ customerId: String(first.id) });
  }, [first]);
  useEffect(trial.forget, [draft]); // what was tested is not what stands here any more
  const { running, found } = trial;
  const pauses = found?.success === false && pausedIfRed;
  const cannotTest = draft.passwordSet && draft.password === "";
  const save = async (): Promise<void> => {
    const sent = { ...described(draft), ...(pauses ? { status: "disabled" as const } : {}) };
    const saved = await (publicId === null ? createMonitor(sent) : changeMonitor(publicId, sent));
    go(`/monitors/${saved.publicId}`);
    say(`${saved.name} is saved${saved.status === "disabled" ? " and paused" : ""}.`);
  };
  const more = (
    <>
      <button type="button" disabled={cannotTest || running} onClick={() => trial.run({ ...described(draft), status: "active" })}>
        {running ? "Testing …" : "Test"}
      </button>
      {cannotTest && <span class="hint">To test, type the password again.</span>}
    </>
  );
  return (
    <div class="narrow">
      <h1>{publicId === null ? "Add a mailbox" : `Change ${start.name}`}</h1>
      {publicId === null && (
        <>
          <p>
            Many of them? <a href="/add/many">Paste a list</a>.
          </p>
          <FindServer
            take={(address, found) => change((before) => withCandidate(before, address, found))}
            takeAddress={(address) => change((before) => ({ user: before.user || address, name: before.name || address }))}
          />
        </>
      )}
      <Form sending={sending} send={save} button={pauses ? "Save paused" : "Save"} more={more}>
        <MailboxFields form={form} problem={sending.problem ?? trial.problem} customers={customers.value ?? []} />
        <Problem problem={trial.problem ?? customers.problem} />
        <TrialShown of={trial} />
        {found?.success === false && <Tick label="Save it paused, since the test failed" checked={pausedIfRed} onTick={setPausedIfRed} />}
      </Form>
    </div>
  );
}
