// How mailprobe itself is doing: where checks are made from, whether somebody would be told, and who did what.

import { useEffect } from "preact/hooks";
import { audit, coverage, locations, summary } from "../api/collections";
import { useLoaded } from "../api/loading";
import type { Location } from "../api/organization_types";
import { Empty, Listed } from "../parts/listed";
import { Moment } from "../parts/moment";
import { Problem } from "../parts/problem";
import { mayRule } from "../session";
import { causeWords } from "../words/monitors";
import { counted } from "../words/plain";

const AGAIN_MS = 15_000;

export function System() {
  const numbers = useLoaded(summary, []);
  const places = useLoaded(locations.list, []);
  const covered = useLoaded(coverage, []);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) for (const each of [numbers, places, covered]) each.again();
    }, AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  const now = numbers.value;
  return (
    <>
      <h1>System</h1>
      <Problem problem={numbers.problem ?? places.problem} again={() => (numbers.again(), places.again())} />
      {now && (
        <dl class="figures">
          <Figure of="Monitors" value={now.monitors} />
          <Figure of="Up" value={now.up} />
          <Figure of="Degraded" value={now.degraded} />
          <Figure of="Down" value={now.down} />
          <Figure of="Unknown" value={now.unknown} />
          <Figure of="Paused" value={now.paused} />
          <Figure of="Open incidents" value={now.openIncidents} />
          <div>
            <dt>Last check</dt>
            <dd>
              <Moment at={now.lastCheckedAt} />
            </dd>
          </div>
        </dl>
      )}
      {covered.value && (
        <p class={covered.value.nobodyWouldBeTold ? "problem" : "verdict calm"}>
          {covered.value.nobodyWouldBeTold ? `✕ Of the outages of ${counted(covered.value.customers.length, "customer")} nobody would be told.` : "✓ Of every outage somebody would be told."} <a href="/channels">Channels</a>
        </p>
      )}
      <h2>Locations and their workers</h2>
      {places.value?.length === 0 && (
        <Empty title="No worker was heard of yet">
          <p>
            Checks are made by workers: <code>mailprobe serve imap_worker</code> and <code>pop3_worker</code>, which announce themselves through the
            broker with the location they are at.
          </p>
        </Empty>
      )}
      {(places.value?.length ?? 0) > 0 && <Places of={places.value ?? []} />}
      {mayRule() && <Log />}
      <h2>For programs</h2>
      <ul>
        <li>
          <a href="/api/docs">The API</a>, and <a href="/api/openapi.json">its description</a>
        </li>
        <li>
          <a href="/api/metrics">Metrics of the monitors</a> for Prometheus; each service has its own of queues and lag at its admin port
        </li>
        <li>
          <code>mailprobe queue status</code> and <code>mailprobe doctor</code> tell operators of the broker and of all that may be wrong
        </li>
      </ul>
    </>
  );
}

function Figure(props: { of: string; value: number }) {
  return (
    <div>
      <dt>{props.of}</dt>
      <dd>{props.value.toLocaleString()}</dd>
    </div>
  );
}

function Places(props: { of: readonly Location[] }) {
  const rows = props.of.flatMap((place) => place.protocols.map((protocol) => ({ place, ...protocol })));
  const silent = props.of.filter((place) => place.protocols.length === 0);
  return (
    <>
      <Listed
        name="Locations"
        items={rows}
        idOf={(row) => `${row.place.code} ${row.protocol}`}
        columns={[
          [
            "Location",
            ({ place }) => (
              <>
                <span class="name">{place.name}</span>
                <span class="detail">{[place.code, place.country].filter(Boolean).join(" · ")}</span>
              </>
            ),
          ],
          ["Protocol", (row) => row.protocol.toUpperCase()],
          ["State", (row) => <span class={`standing ${row.live ? "up" : "down"}`}>{row.live ? "✓ Live" : "✕ Silent"}</span>],
          ["Workers", (row) => row.workers],
          [
            "Checks now",
            (row) => (
              <>
                {row.inFlight} of {row.capacity}
              </>
            ),
          ],
          ["Last sign of life", (row) => <Moment at={row.lastSeenAt} />],
        ]}
      />
      {silent.length > 0 && <p class="faint">Nobody checks from {silent.map((place) => place.name).join(", ")}.</p>}
    </>
  );
}

/** Who did what, the newest first; `mailprobe audit list` tells of all of it. */
function Log() {
  const loaded = useLoaded(audit, []);
  return (
    <>
      <h2>Who did what</h2>
      <Problem problem={loaded.problem} again={loaded.again} />
      <Listed
        name="Who did what"
        items={loaded.value?.items ?? []}
        idOf={(entry) => String(entry.id)}
        columns={[
          ["Who", ({ actor }) => actor.name ?? actor.kind],
          ["Did", (entry) => causeWords(entry.action)],
          ["What", ({ object }) => `${causeWords(object.kind)} ${object.name ?? ""}`],
          ["From", (entry) => entry.address ?? "–"],
          ["At", (entry) => <Moment at={entry.at} />],
        ]}
      />
    </>
  );
}
