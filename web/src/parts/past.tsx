// A monitor's past in three lists: its incidents, its checks, and what was sent to people.

import { useState } from "preact/hooks";
import { checksBefore } from "../api/monitors";
import type { Check, PastAlert, PastIncident } from "../api/types";
import { diagnosticsOf } from "../words/checks";
import { causeWords } from "../words/monitors";
import { duration, milliseconds } from "../words/plain";
import { Listed } from "./listed";
import { Moment } from "./moment";
import { attempt } from "./notices";

export function Incidents(props: { incidents: readonly PastIncident[] }) {
  if (props.incidents.length === 0) return <p class="faint">None in this time.</p>;
  return (
    <Listed
      name="Incidents"
      items={props.incidents}
      idOf={(incident) => incident.publicId}
      columns={[
        [
          "Began",
          (incident) => (
            <a href={`/incidents/${incident.publicId}`}>
              <Moment at={incident.outageStartedAtIso} />
            </a>
          ),
        ],
        ["Lasted", (incident) => [duration(incident.durationMs), incident.isOngoing && <strong> and goes on</strong>]],
        ["Cause", (incident) => [causeWords(incident.cause), <span class="detail">{incident.details}</span>]],
      ]}
    />
  );
}

export function Alerts(props: { alerts: readonly PastAlert[] }) {
  if (props.alerts.length === 0) return <p class="faint">Nothing was sent about this monitor yet.</p>;
  return (
    <Listed
      name="Messages sent"
      items={props.alerts}
      idOf={(alert) => String(alert.id)}
      columns={[
        ["Sent", (alert) => <Moment at={alert.sentAt} none="not yet" />],
        ["To", (alert) => `${alert.channelName} (${alert.type})`],
        ["About", (alert) => alert.event],
        ["How it went", (alert) => (alert.status === "sent" ? "✓ sent" : `✕ failed: ${alert.errorMessage ?? "no reason was given"}`)],
      ]}
    />
  );
}

const FEW = 15;
const LOGGED = 50;

/** The newest checks, and older ones where they are asked for. */
export function Checks(props: { monitorId: string; newest: readonly Check[] }) {
  const [many, showMany] = useState(false);
  const [older, setOlder] = useState<readonly Check[]>([]);
  const [cursor, setCursor] = useState<string | null | undefined>(undefined);
  const known = new Set(props.newest.map((check) => check.id));
  const shown = [...props.newest, ...older.filter((check) => !known.has(check.id))];
  const more = (): Promise<boolean> =>
    attempt(async () => {
      // The first page of the history is what is shown already.
      const from = cursor === undefined ? (await checksBefore(props.monitorId, null)).nextCursor : cursor;
      const found = from === null ? { data: [], nextCursor: null } : await checksBefore(props.monitorId, from);
      setOlder((before) => [...before, ...found.data]);
      setCursor(found.nextCursor);
    });
  if (shown.length === 0) return <p class="faint">No checks yet; the first one follows within seconds.</p>;
  return (
    <>
      <Listed
        name="Checks"
        items={many ? shown : shown.slice(0, FEW)}
        idOf={(check) => check.id}
        columns={[
          ["At", (check) => <Moment at={check.checkedAt} />],
          [
            "Result",
            (check) => [
              check.status === "success" ? "✓ passed" : `✕ ${causeWords(diagnosticsOf(check).outcomeClass || "failed")}`,
              (check.errorMessage ?? check.warningMessage) && <span class="detail">{check.errorMessage ?? check.warningMessage}</span>,
            ],
          ],
          ["Took", (check) => milliseconds(check.timingImapPop), "number"],
          ["From", (check) => check.locationName],
        ]}
      />
      {(many ? cursor !== null && props.newest.length >= LOGGED : shown.length > FEW) && (
        <button type="button" onClick={() => (many ? void more() : showMany(true))}>
          Older checks
        </button>
      )}
    </>
  );
}
