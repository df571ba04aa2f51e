// What operators ask first: whether checks are asked for, stored and told in time, what waits, and what is kept.

import type { ComponentChildren } from "preact";
import type { SystemState } from "../api/organization_types";
import { counted, duration, milliseconds } from "../words/plain";
import { Listed } from "./listed";
import { Moment } from "./moment";

const STANDINGS = { well: ["up", "✓ Well"], look: ["degraded", "▲ Look"], act: ["down", "✕ Act"] } as const;

/** Values under their names. */
export function Figures({ of }: { of: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="figures">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{typeof value === "number" ? value.toLocaleString() : value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Machinery({ of: { schedule, results, queues, notifier, retention } }: { of: SystemState }) {
  const seconds = (value: number | null): string => milliseconds(value && value * 1000);
  return (
    <>
      <h2>In time</h2>
      <Figures
        of={[
          ["Checks nobody asked for", schedule.late ? <Wrong>{`${schedule.late.toLocaleString()}, for ${duration(schedule.lagSeconds * 1000)}`}</Wrong> : "none"],
          ["95 % begin within", seconds(results.waitSeconds)],
          ["95 % are stored within", seconds(results.storeSeconds)],
          ["To be told", <Backlog count={notifier.pending} since={notifier.oldestAt} />],
          ["To be sent", <Backlog count={notifier.unsent} since={notifier.unsentSince} />],
          ["Given up since yesterday", notifier.failed ? <Wrong>{notifier.failed}</Wrong> : "none"],
        ]}
      />
      <h2>Queues</h2>
      {queues.problem !== null && <p class="problem">{queues.problem}</p>}
      {queues.dead > 0 && <p class="problem">{counted(queues.dead, "dead letter")}: messages nobody could handle.</p>}
      <Listed
        name="Queues"
        items={queues.items}
        idOf={({ name }) => name}
        columns={[
          ["Queue", ({ name, consoleUrl }) => <Outward to={consoleUrl}>{name}</Outward>],
          ["State", ({ standing }) => <span class={`standing ${STANDINGS[standing][0]}`}>{STANDINGS[standing][1]}</span>],
          ["Ready", ({ ready }) => ready.toLocaleString(), "number"],
          ["Unacknowledged", ({ unacknowledged }) => unacknowledged?.toLocaleString() ?? "–", "number"],
          ["Consumers", ({ consumers }) => consumers, "number"],
          ["What it means", ({ meaning }) => meaning],
        ]}
      />
      {queues.consoleUrl && (
        <p>
          <Outward to={queues.consoleUrl}>RabbitMQ’s console</Outward>
        </p>
      )}
      <h2>Kept</h2>
      <Figures
        of={[
          ["Results from", retention.resultsFrom ?? "–"],
          ["Room made until", retention.resultsUntil ?? "–"],
          ["They take", `${Math.ceil(retention.bytes / 1e6).toLocaleString()} MB`],
          ["Results for", `${retention.resultsDays} days`],
          ["Hours for", `${retention.hoursDays} days`],
          ["Days and incidents for", `${retention.historyDays} days`],
          ["Audit log for", `${retention.auditDays} days`],
        ]}
      />
      {retention.astray && <p class="problem">Some results are of days no room was made for.</p>}
    </>
  );
}

function Backlog(props: { count: number; since: string | null }) {
  return props.count === 0 ? (
    <>nothing</>
  ) : (
    <>
      {props.count.toLocaleString()}, since <Moment at={props.since} />
    </>
  );
}

function Wrong({ children }: { children: ComponentChildren }) {
  return <span class="standing down">✕ {children}</span>;
}

function Outward({ to, children }: { to: string | null; children: ComponentChildren }) {
  return to === null ? (
    <>{children}</>
  ) : (
    <a href={to} rel="noreferrer" target="_blank">
      {children}
    </a>
  );
}
