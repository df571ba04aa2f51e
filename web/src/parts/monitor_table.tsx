// Monitors as rows: a table where there is room, a card each where there is not (tables.css).

import { memo } from "./memo";
import { CheckBar } from "./check_bar";
import { Since } from "./moment";
import { StandingMark } from "./standing";
import type { MonitorItem } from "../api/types";
import { endpointOf, standingOf } from "../words/monitors";
import { milliseconds, percent } from "../words/plain";

// A few days are worth a colour before the API's own warning makes the monitor degraded.
const SOON_DAYS = 14;

const COLUMNS = [
  ["State"],
  ["Monitor"],
  ["Last checks"],
  ["p50 / p95", "Half of the last checks were faster, and 95 of 100"],
  ["24 h", "Uptime of the last 24 hours"],
  ["30 d", "Uptime of the last 30 days"],
  ["Cert.", "Days until the certificate expires"],
  ["Since"],
] as const;

export function MonitorTable(props: { items: readonly MonitorItem[] }) {
  return (
    <table class="monitors" role="table">
      <thead role="rowgroup">
        <tr role="row">
          {COLUMNS.map(([words, means], place) => (
            <th key={words} scope="col" role="columnheader" class={place > 2 ? "number" : undefined}>
              {means ? <abbr title={means}>{words}</abbr> : words}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {props.items.map((item) => (
          <Row key={item.publicId} item={item} />
        ))}
      </tbody>
    </table>
  );
}

const Row = memo(function Row({ item }: { item: MonitorItem }) {
  const standing = standingOf(item);
  const { overview } = item;
  const days = overview?.certificateDaysLeft ?? null;
  return (
    <tr role="row" class={standing}>
      <td role="cell" class="state">
        <StandingMark standing={standing} />
      </td>
      <th role="rowheader" scope="row" class="what">
        <a class="name" href={`/monitors/${item.publicId}`}>
          {item.name}
        </a>
        <span class="endpoint">
          {endpointOf(item)}
          {item.customerName && ` · ${item.customerName}`}
        </span>
        {item.healthMessage && standing !== "paused" && <span class="says">{item.healthMessage}</span>}
      </th>
      <td role="cell" class="bar">
        <CheckBar states={overview?.recent ?? []} />
      </td>
      <td role="cell" class="number" data-label="p50 / p95">
        {milliseconds(overview?.p50Ms ?? null)} / {milliseconds(overview?.p95Ms ?? null)}
      </td>
      <td role="cell" class="number" data-label="24 h">
        {percent(overview?.uptimeDay ?? null)}
      </td>
      <td role="cell" class="number" data-label="30 d">
        {percent(overview?.uptimeMonth ?? null)}
      </td>
      <td role="cell" class={days !== null && days < SOON_DAYS ? "number soon" : "number"} data-label="Cert.">
        {days === null ? "–" : `${days} d`}
      </td>
      <td role="cell" class="number" data-label="Since">
        <Since at={item.healthSince} />
      </td>
    </tr>
  );
});
