// One incident: what was wrong, everything that happened until it was over, and what can be done about it.

import { useEffect } from "preact/hooks";
import { findIncident, onIncident } from "../api/collections";
import type { EvidenceCheck, Incident } from "../api/incident_types";
import { useLoaded } from "../api/loading";
import type { Check } from "../api/types";
import { LastCheck } from "../parts/last_check";
import { Moment, Since } from "../parts/moment";
import { attempt, say } from "../parts/notices";
import { Problem } from "../parts/problem";
import { Form, useForm } from "../parts/sending";
import { mayWrite } from "../session";
import { ENDS, stepsOf } from "../words/incidents";
import { causeWords } from "../words/monitors";
import { absolute, counted, duration } from "../words/plain";
import { useLiveIncidents } from "./incidents";

const SNOOZES = [
  [60, "1 hour"],
  [240, "4 hours"],
  [1440, "1 day"],
  [10_080, "1 week"],
] as const;

export function IncidentPage(props: { id: string }) {
  const loaded = useLoaded((signal) => findIncident(props.id, signal), [props.id]);
  useLiveIncidents(loaded.again);
  const name = loaded.value?.incident.imapPopMonitor.name;
  useEffect(() => {
    if (name) document.title = `Incident of ${name} · mailprobe`;
  }, [name]);
  if (!loaded.value) return <Problem problem={loaded.problem} again={loaded.again} />;
  const { incident, evidenceCheck } = loaded.value;
  const open = incident.status === "open";
  const monitor = incident.imapPopMonitor;
  return (
    <>
      <p>
        <a href="/incidents">← Incidents</a>
      </p>
      <div class="heading">
        <h1>{monitor.name}</h1>
        <span class={`standing ${open ? "down" : "up"}`}>{open ? "✕ Open" : `✓ ${ENDS[incident.resolution ?? "recovered"]}`}</span>
        <p class="faint">
          {monitor.hostname}
          {incident.customer.company && ` · ${incident.customer.company}`}
        </p>
        {open && mayWrite() && <Actions id={props.id} incident={incident} again={loaded.again} />}
      </div>
      <Problem problem={loaded.problem} again={loaded.again} />
      <div class={open ? "verdict down" : "verdict calm"}>
        <p>
          <strong>{incident.errorMessage}</strong> ({causeWords(incident.cause)})
        </p>
        {incident.serverWords && (
          <p>
            The server said: <q class="words">{incident.serverWords}</q>
          </p>
        )}
        {incident.hint && <p>What to do: {incident.hint}</p>}
      </div>
      <dl class="pairs">
        <dt>Monitor</dt>
        <dd>{monitor.status ? <a href={`/monitors/${monitor.publicId}`}>{monitor.name}</a> : `${monitor.name}, which was deleted`}</dd>
        <dt>Lasted</dt>
        <dd>
          {incident.resolvedAt ? duration(Date.parse(incident.resolvedAt) - Date.parse(incident.outageStartedAt)) : <Since at={incident.outageStartedAt} />}
          {open && ", and goes on"}
        </dd>
        <dt>Seen from</dt>
        <dd>{incident.locationCodes.join(", ") || "–"}</dd>
        {incident.group && incident.group.openMembers > 1 && (
          <>
            <dt>Together</dt>
            <dd>
              {counted(incident.group.openMembers, "monitor")} of {incident.group.host} are down alike
            </dd>
          </>
        )}
        {incident.acknowledgedAt && (
          <>
            <dt>On it</dt>
            <dd>
              {incident.acknowledgedBy}, since <Moment at={incident.acknowledgedAt} />
            </dd>
          </>
        )}
        {open && incident.snoozedUntil && (
          <>
            <dt>Reminders</dt>
            <dd>none until {absolute(Date.parse(incident.snoozedUntil))}</dd>
          </>
        )}
        {incident.quiet && (
          <>
            <dt>Quiet</dt>
            <dd>It opened while the monitor was going up and down: nobody was told of it by itself.</dd>
          </>
        )}
      </dl>
      <h2>What happened</h2>
      <ol class="steps">
        {stepsOf(loaded.value).map((step, place) => (
          <li key={place}>
            <time dateTime={step.at}>{absolute(Date.parse(step.at))}</time>
            <span>
              <span class="glyph" aria-hidden="true">
                {step.glyph}
              </span>
              {step.text}
              {step.quoted && <span class="detail words">{step.quoted}</span>}
            </span>
          </li>
        ))}
      </ol>
      {mayWrite() && <NoteForm id={props.id} again={loaded.again} />}
      {evidenceCheck && (
        <>
          <h2>The check that proves it</h2>
          <LastCheck check={asCheck(evidenceCheck)} good={null} />
        </>
      )}
    </>
  );
}

function Actions(props: { id: string; incident: Incident; again: () => void }) {
  const act = (what: string, said: string, minutes?: number): Promise<boolean> =>
    attempt(async () => {
      await onIncident(props.id, what, minutes === undefined ? undefined : { minutes });
      say(said);
      props.again();
    });
  return (
    <div class="actions">
      {!props.incident.acknowledgedAt && (
        <button type="button" class="primary" onClick={() => void act("acknowledge", "Acknowledged: everybody sees that you are on it.")}>
          Acknowledge
        </button>
      )}
      <label>
        No reminders for{" "}
        <select value="" onChange={(event) => void act("snooze", event.currentTarget.value === "0" ? "Reminders are sent again." : "No reminders until then.", Number(event.currentTarget.value))}>
          <option value="" disabled selected>
            …
          </option>
          {SNOOZES.map(([minutes, words]) => (
            <option key={minutes} value={minutes}>
              {words}
            </option>
          ))}
          {props.incident.snoozedUntil && <option value="0">Remind again</option>}
        </select>
      </label>
    </div>
  );
}

function NoteForm(props: { id: string; again: () => void }) {
  const { draft, change, sending, area } = useForm(() => ({ text: "" }));
  const send = async (): Promise<void> => {
    await onIncident(props.id, "notes", draft);
    change({ text: "" });
    props.again();
  };
  return (
    <Form sending={sending} send={send} button="Add the note">
      {area("text", "Note", { required: true, maxLength: 2000 })}
    </Form>
  );
}

function asCheck(seen: EvidenceCheck): Check {
  const { id, status, errorMessage, checkedAt, diagnostics } = seen;
  return { id, status, errorMessage, warningMessage: null, timingImapPop: seen.responseTimeMs, diagnostics: diagnostics ?? {}, checkedAt, locationName: seen.location.name };
}
