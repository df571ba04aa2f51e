// A monitor's past in three lists: its incidents, its checks, and what was sent to people.

import { useState } from "preact/hooks";
import { checksBefore } from "../api/monitors";
import type { Check, PastAlert, PastIncident } from "../api/types";
import { diagnosticsOf } from "../words/checks";
import { causeWords } from "../words/monitors";
import { absolute, duration, milliseconds } from "../words/plain";
import { Moment } from "./moment";
import { attempt } from "./notices";

export function Incidents(props: { incidents: readonly PastIncident[] }) {
  if (props.incidents.length === 0) return <p class="faint">None in this time.</p>;
  return (
    <div class="scrolled">
      <table>
        <thead>
          <tr>
            <th scope="col">Began</th>
            <th scope="col">Lasted</th>
            <th scope="col">Cause</th>
          </tr>
        </thead>
        <tbody>
          {props.incidents.map((incident) => (
            <tr key={incident.publicId}>
              <td>
                <Moment at={incident.outageStartedAtIso} />
              </td>
              <td>
                {duration(incident.durationMs)}
                {incident.isOngoing && <strong> and goes on</strong>}
              </td>
              <td>
                {causeWords(incident.cause)}
                <span class="detail">{incident.details}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Alerts(props: { alerts: readonly PastAlert[] }) {
  if (props.alerts.length === 0) return <p class="faint">Nothing was sent about this monitor yet.</p>;
  return (
    <div class="scrolled">
      <table>
        <thead>
          <tr>
            <th scope="col">Sent</th>
            <th scope="col">To</th>
            <th scope="col">About</th>
            <th scope="col">How it went</th>
          </tr>
        </thead>
        <tbody>
          {props.alerts.map((alert) => (
            <tr key={alert.id}>
              <td>
                <Moment at={alert.sentAt} none="not yet" />
              </td>
              <td>
                {alert.channelName} ({alert.type})
              </td>
              <td>{alert.event}</td>
              <td>{alert.status === "sent" ? "✓ sent" : `✕ failed: ${alert.errorMessage ?? "no reason was given"}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
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
    <div class="scrolled">
      <table class="checks">
        <thead>
          <tr>
            <th scope="col">At</th>
            <th scope="col">Result</th>
            <th scope="col" class="number">
              Took
            </th>
            <th scope="col">From</th>
          </tr>
        </thead>
        <tbody>
          {(many ? shown : shown.slice(0, FEW)).map((check) => (
            <tr key={check.id}>
              <td title={absolute(Date.parse(check.checkedAt))}>
                <Moment at={check.checkedAt} />
              </td>
              <td>
                {check.status === "success" ? "✓ passed" : `✕ ${causeWords(diagnosticsOf(check).outcomeClass || "failed")}`}
                {(check.errorMessage ?? check.warningMessage) && <span class="detail">{check.errorMessage ?? check.warningMessage}</span>}
              </td>
              <td class="number">{milliseconds(check.timingImapPop)}</td>
              <td>{check.locationName}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {(many ? cursor !== null && props.newest.length >= LOGGED : shown.length > FEW) && (
        <button type="button" onClick={() => (many ? void more() : showMany(true))}>
          Older checks
        </button>
      )}
    </div>
  );
}
