// How mailprobe itself is doing: where checks are made from, whether somebody would be told, and who did what.

import { useEffect } from "preact/hooks";
import { audit, coverage, locations, summary, systemState } from "../api/collections";
import { useLoaded } from "../api/loading";
import type { Canary, Location } from "../api/organization_types";
import { Empty, Listed } from "../parts/listed";
import { Figures, Machinery } from "../parts/machinery";
import { Moment } from "../parts/moment";
import { Problem } from "../parts/problem";
import { mayOperate, mayRule } from "../session";
import { causeWords } from "../words/monitors";
import { counted, milliseconds } from "../words/plain";

const AGAIN_MS = 15_000;

export function System() {
  const numbers = useLoaded(summary, []);
  const places = useLoaded(locations.list, []);
  const covered = useLoaded(coverage, []);
  const state = useLoaded((signal) => (mayOperate() ? systemState(signal) : Promise.resolve(null)), []);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) for (const each of [numbers, places, covered, state]) each.again();
    }, AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  const now = numbers.value;
  return (
    <>
      <h1>System</h1>
      <Problem problem={numbers.problem ?? places.problem} again={() => (numbers.again(), places.again())} />
      {now && (
        <Figures
          of={[
            ["Monitors", now.monitors],
            ["Up", now.up],
            ["Degraded", now.degraded],
            ["Down", now.down],
            ["Unknown", now.unknown],
            ["Paused", now.paused],
            ["Open incidents", now.openIncidents],
            ["Last check", <Moment at={now.lastCheckedAt} />],
          ]}
        />
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
            Checks are made by workers: <code>mailprobe serve imap_worker</code> and <code>pop3_worker</code>.
          </p>
        </Empty>
      )}
      {(places.value?.length ?? 0) > 0 && <Places of={places.value ?? []} canaries={state.value?.canaries ?? []} />}
      {/* Of several organizations an admin is told no more than that. */}
      {state.problem?.status !== 403 && <Problem problem={state.problem} again={state.again} />}
      {state.value && <Machinery of={state.value} />}
      {mayRule() && <Log />}
      <h2>For programs</h2>
      <ul>
        <li>
          <a href="/api/docs">The API</a>, and <a href="/api/openapi.json">its description</a>
        </li>
        <li>
          <a href="/api/metrics">Metrics of the monitors</a> for Prometheus; each service has its own at its admin port
        </li>
        <li>
          <code>mailprobe system status</code> says the same, <code>mailprobe doctor</code> what may be wrong
        </li>
      </ul>
    </>
  );
}

function Places(props: { of: readonly Location[]; canaries: readonly Canary[] }) {
  const canaryOf = (code: string, protocol: string): Canary | undefined => props.canaries.find((each) => each.location === code && each.protocol === protocol);
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
          ...(props.canaries.length > 0 ? [["Check of its own", ({ place, protocol }: { place: Location; protocol: string }) => <OwnCheck of={canaryOf(place.code, protocol)} />] as const] : []),
        ]}
      />
      {silent.length > 0 && <p class="faint">Nobody checks from {silent.map((place) => place.name).join(", ")}.</p>}
    </>
  );
}

/** From the scheduler through a worker into the database, every half a minute. */
function OwnCheck({ of }: { of: Canary | undefined }) {
  if (!of) return <>–</>;
  return (
    <>
      <span class={`standing ${of.passed ? "up" : "down"}`}>{of.passed ? `✓ took ${milliseconds(of.tookSeconds * 1000)}` : `✕ ${of.message}`}</span>
      <span class="detail">
        <Moment at={of.storedAt} />
      </span>
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
