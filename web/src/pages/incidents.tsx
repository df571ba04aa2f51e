// Outages, the newest first: which go on, and how others ended.

import { useEffect } from "preact/hooks";
import { listIncidents } from "../api/collections";
import type { IncidentItem } from "../api/incident_types";
import { useLoaded } from "../api/loading";
import { listenTo } from "../live/events";
import { Empty, Listed } from "../parts/listed";
import { Moment } from "../parts/moment";
import { Pager } from "../parts/pager";
import { Problem } from "../parts/problem";
import { go, query, withQuery } from "../routing";
import { ENDS } from "../words/incidents";
import { causeWords } from "../words/monitors";
import { counted, duration } from "../words/plain";

const PER_PAGE = 50;
const SETTLED_MS = 1_000;
const SHOWN = [
  [null, "All"],
  ["open", "Open"],
  ["resolved", "Resolved"],
] as const;

export function Incidents() {
  const status = SHOWN.find(([value]) => value === query.value.get("status"))?.[0] ?? null;
  const page = Math.max(1, Number(query.value.get("page")) || 1);
  const loaded = useLoaded((signal) => listIncidents(status, page, PER_PAGE, signal), [status, page]);
  useLiveIncidents(loaded.again);
  const { incidents = [], total = 0 } = loaded.value ?? {};
  return (
    <>
      <div class="heading">
        <h1>Incidents</h1>
        {loaded.value && <p class="faint">{counted(total, "incident")}</p>}
      </div>
      <div class="choices filters" role="group" aria-label="Show">
        {SHOWN.map(([value, words]) => (
          <button key={words} type="button" aria-pressed={value === status} onClick={() => go(withQuery({ status: value, page: null }))}>
            {words}
          </button>
        ))}
      </div>
      <Problem problem={loaded.problem} again={loaded.again} />
      {loaded.value && total === 0 && <None status={status} />}
      {total > 0 && (
        <div aria-busy={loaded.loading}>
          <Listed
            name="Incidents"
            items={incidents}
            idOf={(incident) => incident.public_id}
            columns={[
              [
                "Monitor",
                (incident) => (
                  <>
                    <a class="name" href={`/incidents/${incident.public_id}`}>
                      {incident.imapPopMonitor.name}
                    </a>
                    <span class="detail">
                      {incident.imapPopMonitor.hostname}
                      {incident.customer.company && ` · ${incident.customer.company}`}
                    </span>
                  </>
                ),
              ],
              ["State", (incident) => <StateOf incident={incident} />],
              [
                "Cause",
                (incident) => (
                  <>
                    {causeWords(incident.cause)}
                    <span class="detail">{incident.error_message}</span>
                  </>
                ),
              ],
              ["Began", (incident) => <Moment at={incident.outage_started_at} />],
              ["Lasted", (incident) => (incident.resolved_at ? duration(Date.parse(incident.resolved_at) - Date.parse(incident.outage_started_at)) : "goes on")],
            ]}
          />
          <Pager page={page} perPage={PER_PAGE} total={total} />
        </div>
      )}
    </>
  );
}

function StateOf({ incident }: { incident: IncidentItem }) {
  const open = incident.status === "open";
  return (
    <>
      <span class={`standing ${open ? "down" : "up"}`}>
        <span class="glyph" aria-hidden="true">
          {open ? "✕" : "✓"}
        </span>
        {open ? "Open" : "Resolved"}
      </span>
      {open && incident.acknowledged_by && <span class="detail">{incident.acknowledged_by} is on it</span>}
      {!open && incident.resolution !== "recovered" && <span class="detail">{ENDS[incident.resolution ?? "recovered"]}</span>}
    </>
  );
}

function None(props: { status: string | null }) {
  if (props.status === "open") return <Empty title="No incident is open">What is monitored works, or is in maintenance.</Empty>;
  return (
    <Empty title="No incident so far">
      <p>
        When checks of a mailbox fail often enough to be sure, an incident begins: it is confirmed, told to your <a href="/channels">channels</a>, and kept
        with everything that was seen until it is over. A single failed check is none.
      </p>
    </Empty>
  );
}

/** Asks anew, a moment after something was heard of an incident. */
export function useLiveIncidents(again: () => void): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = (): void => {
      clearTimeout(timer);
      timer = setTimeout(again, SETTLED_MS);
    };
    const stop = listenTo([], { incident: soon, opened: soon, reset: soon });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, []);
}
